/** The audit after a crash: what became of a command stands in the log, so it stands in the audit as well. */
import { expect, it } from 'vitest';
import { DeviceControl } from '../../broker/hub/control.ts';
import type { Database } from '../../broker/store/ports.ts';
import { positionOf } from '../../broker/store/position.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { testConfig } from '../helpers/config.ts';
import { silentLog } from '../helpers/log.ts';
import { sessionHarness } from '../helpers/session.ts';
import { RESULT, requestOf } from './world.ts';

const QUERY = { customer: '*', by: null, action: null, target: null, from: null, to: null, before: null };

function brokerOn(store: Database) {
  const harness = sessionHarness();
  let ids = 0;
  const newId = () => {
    ids += 1;
    return `id${ids}`;
  };
  const control = new DeviceControl({
    ...harness,
    store,
    limits: testConfig('unused').commands,
    logger: silentLog,
    newId,
  });
  return { ...harness, control };
}

it('"The broker was killed; the command says done, and the audit says nothing"', async () => {
  const store = openMemoryDatabase();
  await store.start();
  const before = brokerOn(store);
  await before.control.load();
  await before.control.start();
  before.fleet.obtain('acme', 'pump');
  await before.control.commands.issue(requestOf({ id: 'a' }));
  const target = 'acme/pump';
  const entry = { by: 'key1', customer: 'acme', action: 'command.send', target, outcome: null } as const;
  before.control.audit.add({ ...entry, reference: 'command acme/a' });
  await before.control.stop();

  const after = brokerOn(store);
  await after.control.load();
  const frame = { kind: FRAME.result, id: 'a', status: RESULT.done, data: null } as const;
  const arrival = after.clock.now() + 1;
  const device = after.fleet.obtain('acme', 'pump');
  after.control.apply({ device, session: 's1', frame, arrival, position: positionOf(10) });
  await after.control.start();
  const { items } = await after.control.audit.list({ ...QUERY, limit: 1 });
  expect(items).toMatchObject([{ outcome: 'done' }]);
  await after.control.stop();
});

it('"The broker was killed between the end of the command and the word of it in the audit"', async () => {
  const store = openMemoryDatabase();
  await store.start();
  const before = brokerOn(store);
  await before.control.load();
  await before.control.start();
  before.fleet.obtain('acme', 'pump');
  const entry = { by: 'key1', customer: 'acme', action: 'command.send', target: 'acme/pump' } as const;
  for (const id of ['ended', 'waits']) {
    await before.control.commands.issue(requestOf({ id }));
    before.control.audit.add({ ...entry, outcome: null, reference: `command acme/${id}` });
  }
  await before.control.audit.list({ ...QUERY, limit: 1 });
  await before.control.commands.cancel('acme', 'ended', 'key1');
  before.control.abandon();

  const after = brokerOn(store);
  await after.control.load();
  await after.control.start();
  const { items } = await after.control.audit.list({ ...QUERY, limit: 2 });
  expect(items.map(({ reference, outcome }) => [reference, outcome])).toEqual([
    ['command acme/waits', null],
    ['command acme/ended', 'cancelled'],
  ]);
  await after.control.stop();
});
