/** What has been kept for long enough goes: ended commands and jobs, old entries of the audit. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { RecordRetention, type RecordRetentionParts } from '../../broker/hub/audit/retention.ts';
import { START } from '../../broker/store/position.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FakeClock } from '../helpers/clock.ts';
import { eventually } from '../helpers/eventually.ts';
import { silentLog } from '../helpers/log.ts';
import { nextTurn } from '../helpers/session.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LIMITS = { keepDays: 30, auditDays: 365 };
const ALL = { customer: '*', by: null, action: null, target: null, from: null, to: null, before: null };

function retentionOf(store: RecordRetentionParts['store'], clock = new FakeClock()) {
  const retention = new RecordRetention({ store, clock, logger: silentLog, limits: LIMITS });
  retention.start();
  onTestFinished(() => retention.stop());
  return { retention, clock };
}

/** A store whose commands are deleted one portion at a time, when the test says so. */
function portions(old: number) {
  let left = old;
  const asked: (() => void)[] = [];
  const store = {
    deleteEndedCommands: async (_: number, limit: number) => {
      await new Promise<void>((resolve) => asked.push(resolve));
      const deleted = Math.min(left, limit);
      left -= deleted;
      return deleted;
    },
    deleteEndedJobs: async () => 0,
    deleteAudit: async () => 0,
  };
  return { store, asked, left: () => left };
}

describe('what is old', () => {
  it('is not what a clock that was set ahead by years makes of it, or set back keeps for ever', async () => {
    const limits: number[] = [];
    const store = {
      deleteEndedCommands: async (time: number) => {
        limits.push(time);
        return 0;
      },
      deleteEndedJobs: async () => 0,
      deleteAudit: async () => 0,
    };
    const clock = new FakeClock();
    const began = clock.now();
    retentionOf(store, clock);
    for (const step of [3650 * DAY, -3650 * DAY - 2 * HOUR, 2 * HOUR]) {
      clock.setWall(clock.now() + step);
      clock.advance(HOUR);
      await nextTurn();
    }
    expect(limits.map((time) => time - began + 30 * DAY)).toEqual([HOUR, 0, 3 * HOUR]);
  });

  it('goes after the days that are configured, and what is open or young stays', async () => {
    const database = openMemoryDatabase();
    await database.start();
    const { clock } = retentionOf(database);
    const body = new Uint8Array(1);
    const row = { customer: 'acme', device: 'pump', createdAt: 0, job: null, position: START, body };
    await database.saveCommands([
      { ...row, id: 'over', number: 1, status: 'done', endedAt: clock.now() },
      { ...row, id: 'open', number: 2, status: 'queued', endedAt: null },
    ]);
    const job = { customer: 'acme', createdAt: 0, endedAt: clock.now(), targets: body, body };
    await database.insertJob({ ...job, id: 'job', number: 1 });
    const entry = { by: 'key1', customer: 'acme', action: 'key.create', target: 'key 1', detail: null };
    await database.saveAudit(
      [{ ...entry, at: clock.now(), outcome: 'done', outcomeAt: clock.now(), reference: null }],
      [],
    );
    const pass = async (days: number) => {
      clock.advance(days * DAY - HOUR);
      // What that set off is over, so that the last hour sets off its own.
      await nextTurn();
      clock.advance(HOUR);
      await nextTurn();
    };
    await pass(29);
    expect(await database.findCommands('*', 'over')).toHaveLength(1);
    expect(await database.findJob('*', 'job')).not.toBeNull();
    await pass(2);
    expect(await database.findJob('*', 'job')).toBeNull();
    expect(await database.findCommands('*', 'over')).toEqual([]);
    expect(await database.findCommands('*', 'open')).toHaveLength(1);
    expect((await database.listAudit({ ...ALL, limit: 10 })).items).toHaveLength(1);
    await pass(335);
    expect((await database.listAudit({ ...ALL, limit: 10 })).items).toEqual([]);
  });

  it('goes in portions, until nothing is left', async () => {
    const { store, asked, left } = portions(2500);
    const { clock } = retentionOf(store);
    clock.advance(HOUR);
    for (const expected of [1500, 500, 0]) {
      asked.shift()?.();
      await eventually(() => expect(left()).toBe(expected));
      if (expected > 0) await eventually(() => expect(asked).toHaveLength(1));
    }
  });

  it('is not deleted by two at once, when one takes longer than an hour', async () => {
    const { store, asked } = portions(100);
    const { clock, retention } = retentionOf(store);
    clock.advance(5 * HOUR);
    expect(asked).toHaveLength(1);
    asked.shift()?.();
    await retention.stop();
  });

  it('waits for the next start when the broker stops in the middle', async () => {
    const { store, asked, left } = portions(5000);
    const { clock, retention } = retentionOf(store);
    clock.advance(HOUR);
    const stopped = retention.stop();
    asked.shift()?.();
    await stopped;
    await retention.stop();
    expect(left()).toBe(4000);
    expect(asked).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
