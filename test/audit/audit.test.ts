/** Who asked what, and what became of it: written in groups, read at once. */
import { describe, expect, it } from 'vitest';
import { Audit, type AuditEntry, type AuditQuery, WHOLE_AUDIT } from '../../broker/hub/audit/audit.ts';
import type { Database } from '../../broker/store/ports.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type LogLine, recordingLog, silentLog } from '../helpers/log.ts';

const ALL = { ...WHOLE_AUDIT, limit: 100 };
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
  const database = openMemoryDatabase();
  await database.start();
  let writes = 0;
  let fails = false;
  const store = {
    listAudit: (query: AuditQuery) => database.listAudit(query),
    unlessHeldUp: (work: Promise<void>) => work,
    saveAudit: (...groups: Parameters<Database['saveAudit']>) => {
      writes += 1;
      if (fails) {
        fails = false;
        return Promise.reject(new Error('disk full'));
      }
      return database.saveAudit(...groups);
    },
  };
  const audit = new Audit({ store, clock, logger: silentLog });
  const failNext = () => {
    fails = true;
  };
  return { clock, database, audit, failNext, writes: () => writes };
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
    expect((await database.listAudit(ALL)).items).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('that comes after the stop leaves no timer, and is there for a last reader', async () => {
    const { audit, clock } = await world();
    await audit.stop();
    audit.add(SENT);
    expect(clock.pending).toBe(0);
    expect((await audit.list(ALL)).items).toHaveLength(1);
  });

  it('is not lost behind one that could not be written, and whoever asked hears of that', async () => {
    const { audit, failNext } = await world();
    audit.add({ ...SENT, target: 'acme/lost' });
    failNext();
    await expect(audit.list(ALL)).rejects.toThrow('disk full');
    audit.add({ ...SENT, target: 'acme/kept' });
    expect((await audit.list(ALL)).items).toMatchObject([{ target: 'acme/kept' }]);
  });

  it('of too many for a slow store is counted, and the log says how many are lost', async () => {
    const lines: LogLine[] = [];
    let written = 0;
    const store = {
      listAudit: async () => ({ items: [], next: null }),
      unlessHeldUp: (work: Promise<void>) => work,
      saveAudit: async (rows: readonly unknown[]) => {
        written += rows.length;
      },
    };
    const audit = new Audit({ store, clock: new FakeClock(), logger: recordingLog(lines) });
    for (let number = 0; number < 100_003; number += 1) audit.add({ ...SENT, reference: `c${number}` });
    await audit.stop();
    expect(written).toBe(100_000);
    expect(lines).toMatchObject([{ level: 'error' }, { level: 'warn', fields: { lost: 3 } }]);
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
