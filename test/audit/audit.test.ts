/** Who asked what, and what became of it: written in groups, read at once, kept for as long as configured. */
import { describe, expect, it } from 'vitest';
import { Audit } from '../../broker/hub/audit/audit.ts';
import type { AuditEntry, AuditQuery } from '../../broker/hub/audit/entry.ts';
import { Purge } from '../../broker/hub/audit/purge.ts';
import { MemoryDatabase } from '../../broker/store/memory/database.ts';
import { FakeClock } from '../helpers/clock.ts';
import { silentLog } from '../helpers/log.ts';

const DAY = 86_400_000;
const ALL: AuditQuery = {
  customer: '*',
  by: null,
  action: null,
  target: null,
  from: null,
  to: null,
  before: null,
  limit: 100,
};
const SENT: AuditEntry = {
  by: 'key1',
  customer: 'acme',
  action: 'command.send',
  target: 'acme/pump',
  detail: { name: 'reboot' },
  outcome: null,
  reference: 'command acme/c1',
};

async function world() {
  const clock = new FakeClock();
  const database = new MemoryDatabase();
  await database.start();
  let writes = 0;
  const store = {
    listAudit: (query: AuditQuery) => database.listAudit(query),
    saveAudit: (...groups: Parameters<MemoryDatabase['saveAudit']>) => {
      writes += 1;
      return database.saveAudit(...groups);
    },
  };
  const audit = new Audit({ store, clock, logger: silentLog });
  return { clock, database, audit, writes: () => writes };
}

describe('an entry', () => {
  it('is there for whoever reads right after, with its time and its detail', async () => {
    const { audit, clock } = await world();
    audit.add(SENT);
    const { items } = await audit.list(ALL);
    expect(items).toMatchObject([
      { number: 1, at: clock.now(), by: 'key1', detail: '{"name":"reboot"}', outcome: null },
    ]);
  });

  it('is told its outcome with the time of that, also in the same moment', async () => {
    const { audit, clock } = await world();
    audit.add(SENT);
    clock.advance(50);
    audit.settle('command acme/c1', 'done');
    const at = clock.now();
    expect((await audit.list(ALL)).items).toMatchObject([{ outcome: 'done', outcomeAt: at }]);
  });

  it('waits a moment for others, so that a thousand cost a few writes', async () => {
    const { audit, clock, writes } = await world();
    for (let number = 0; number < 1000; number += 1)
      audit.add({ ...SENT, reference: `command acme/${number}` });
    expect(writes()).toBe(0);
    clock.advance(200);
    expect((await audit.list(ALL)).items).toHaveLength(100);
    expect(writes()).toBe(1);
  });

  it('is written at the stop', async () => {
    const { audit, database, clock } = await world();
    audit.add(SENT);
    await audit.stop();
    await audit.stop();
    expect(await database.listAudit(ALL)).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

it('is read page by page, newest first', async () => {
  const { audit } = await world();
  for (const target of ['a', 'b', 'c']) audit.add({ ...SENT, target, reference: `command ${target}` });
  const first = await audit.list({ ...ALL, limit: 2 });
  expect(first.items.map(({ target }) => target)).toEqual(['c', 'b']);
  const second = await audit.list({ ...ALL, limit: 2, before: first.next });
  expect(second.items.map(({ target }) => target)).toEqual(['a']);
  expect(second.next).toBeNull();
});

it('is kept for as long as configured, and commands and jobs for as long as theirs', async () => {
  const { audit, database, clock } = await world();
  const limits = { keepDays: 30, auditDays: 365 };
  const purge = new Purge({ store: database, clock, logger: silentLog, limits });
  purge.start();
  audit.add(SENT);
  await audit.stop();
  const body = new Uint8Array(1);
  const row = { customer: 'acme', device: 'pump', createdAt: 0, job: null, position: 0, body };
  await database.saveCommands([
    { ...row, id: 'over', number: 1, status: 'done', endedAt: clock.now() },
    { ...row, id: 'open', number: 2, status: 'queued', endedAt: null },
  ]);
  clock.advance(31 * DAY);
  await purge.stop();
  expect(await database.findCommands('*', 'over')).toEqual([]);
  expect(await database.findCommands('*', 'open')).toHaveLength(1);
  expect(await database.listAudit(ALL)).toHaveLength(1);
  clock.advance(335 * DAY);
  await purge.run();
  expect(await database.listAudit(ALL)).toEqual([]);
});
