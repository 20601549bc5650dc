/** What every store of commands, jobs, desired state and audit promises (broker/store/command-ports.ts), whatever the engine. */
import { describe, expect, it } from 'vitest';
import type {
  AuditQuery,
  AuditRow,
  CommandQuery,
  CommandRow,
  JobRow,
} from '../../broker/store/command-ports.ts';
import type { Stores } from '../../broker/store/ports.ts';
import { startStores } from './harness.ts';

const body = (text: string) => new Uint8Array(Buffer.from(text));

function command(number: number, changes: Partial<CommandRow> = {}): CommandRow {
  return {
    customer: 'acme',
    device: 'pump',
    id: `c${number}`,
    number,
    status: 'queued',
    createdAt: 1000 + number,
    endedAt: null,
    job: null,
    position: 0,
    body: body(`body ${number}`),
    ...changes,
  };
}

function job(number: number, changes: Partial<JobRow> = {}): JobRow {
  const bytes = body(`job ${number}`);
  return {
    id: `j${number}`,
    customer: 'acme',
    number,
    createdAt: 1,
    endedAt: null,
    targets: bytes,
    body: bytes,
    ...changes,
  };
}

function entry(changes: Partial<AuditRow> = {}): AuditRow {
  return {
    at: 1000,
    by: 'key1',
    customer: 'acme',
    action: 'command.send',
    target: 'acme/pump',
    detail: null,
    outcome: 'done',
    outcomeAt: 1000,
    reference: null,
    ...changes,
  };
}

const everything = { customer: '*', before: null, limit: 100 } as const;

async function listed(stores: Stores, query: Partial<CommandQuery> = {}): Promise<string[]> {
  const rows = await stores.database.listCommands({ ...everything, device: null, job: null, ...query });
  return rows.map(({ id }) => id);
}

async function audited(stores: Stores, query: Partial<AuditQuery> = {}): Promise<number[]> {
  const rows = await stores.database.listAudit({
    ...everything,
    by: null,
    action: null,
    target: null,
    from: null,
    to: null,
    ...query,
  });
  return rows.map(({ number }) => number);
}

export function recordsContract(engine: 'files' | 'memory'): void {
  describe('commands', () => {
    it('come back whole, and the last save of one counts', async () => {
      const { database } = (await startStores({ engine })).stores;
      await database.saveCommands([command(1), command(2, { job: 'j1' })]);
      const changed = { status: 'done', endedAt: 5000, position: 77, body: body('done') };
      await database.saveCommands([command(1, changed)]);
      const [row] = await database.findCommands('acme', 'c1');
      expect(row && { ...row, body: Buffer.from(row.body).toString() }).toEqual({
        ...command(1, changed),
        body: 'done',
      });
      expect(await database.lastCommandNumber()).toBe(2);
    });

    it('that are open come back in the order of their numbers, more than a page of them', async () => {
      const { database } = (await startStores({ engine })).stores;
      const rows = Array.from({ length: 2500 }, (_, index) => command(2500 - index));
      await database.saveCommands(rows);
      await database.saveCommands([command(7, { endedAt: 1, status: 'done' })]);
      const numbers: number[] = [];
      for await (const page of database.loadOpenCommands()) numbers.push(...page.map(({ number }) => number));
      expect(numbers).toEqual(
        rows
          .map(({ number }) => number)
          .filter((number) => number !== 7)
          .reverse(),
      );
    });

    it('of one id belong to their customer, and an admin finds all of them', async () => {
      const { database } = (await startStores({ engine })).stores;
      await database.saveCommands([command(1, { id: 'x' }), command(2, { id: 'x', customer: 'other' })]);
      expect(await database.findCommands('acme', 'x')).toHaveLength(1);
      expect(await database.findCommands('*', 'x')).toHaveLength(2);
      expect(await database.findCommands('nobody', 'x')).toEqual([]);
    });

    it('are listed newest first, by customer, device or job, page after page', async () => {
      const { stores } = await startStores({ engine });
      await stores.database.saveCommands([
        command(1),
        command(2, { device: 'valve', job: 'j1' }),
        command(3, { job: 'j1' }),
        command(4, { customer: 'other' }),
      ]);
      expect(await listed(stores)).toEqual(['c4', 'c3', 'c2', 'c1']);
      expect(await listed(stores, { customer: 'acme', device: 'pump' })).toEqual(['c3', 'c1']);
      expect(await listed(stores, { customer: 'acme', job: 'j1' })).toEqual(['c3', 'c2']);
      expect(await listed(stores, { customer: 'acme', before: 3, limit: 1 })).toEqual(['c2']);
    });

    it('that ended long ago are deleted in portions, and open ones never', async () => {
      const { stores } = await startStores({ engine });
      const { database } = stores;
      await database.saveCommands([
        command(1, { endedAt: 100 }),
        command(2, { endedAt: 200 }),
        command(3, { endedAt: 300 }),
        command(4),
      ]);
      expect(await database.deleteEndedCommands(300, 1)).toBe(1);
      expect(await database.deleteEndedCommands(300, 10)).toBe(1);
      expect(await database.deleteEndedCommands(300, 10)).toBe(0);
      expect(await listed(stores)).toEqual(['c4', 'c3']);
    });
  });

  describe('jobs', () => {
    it('are found by their customer, updated, and refused twice', async () => {
      const { database } = (await startStores({ engine })).stores;
      await database.insertJob(job(1));
      await database.insertJob(job(2, { customer: 'other' }));
      await expect(database.insertJob(job(3, { id: 'j1' }))).rejects.toMatchObject({ code: 'exists' });
      expect(await database.findJob('other', 'j1')).toBeNull();
      await database.updateJob({ id: 'j1', endedAt: 9, body: body('over') });
      await database.updateJob({ id: 'unknown', endedAt: 9, body: body('') });
      const found = await database.findJob('acme', 'j1');
      expect(found && [found.endedAt, Buffer.from(found.body).toString()]).toEqual([9, 'over']);
      expect(found && Buffer.from(found.targets).toString()).toBe('job 1');
      expect((await database.loadOpenJobs()).map(({ id }) => id)).toEqual(['j2']);
      expect((await database.listJobs(everything)).map(({ id }) => id)).toEqual(['j2', 'j1']);
      expect(await database.lastJobNumber()).toBe(2);
      expect(await database.deleteEndedJobs(10, 10)).toBe(1);
      expect(await database.findJob('*', 'j1')).toBeNull();
    });
  });

  describe('desired state', () => {
    it('keeps the last row of each device, more than a page of them, until it is forgotten', async () => {
      const { database } = (await startStores({ engine })).stores;
      const rows = Array.from({ length: 1500 }, (_, index) => ({
        customer: 'acme',
        device: `d${index}`,
        position: 1,
        body: body('one'),
      }));
      await database.saveDesired(rows);
      await database.saveDesired([{ customer: 'acme', device: 'd1', position: 2, body: body('two') }]);
      await database.saveDesired([{ customer: 'acme', device: 'd2', position: 3, body: null }]);
      const held = new Map<string, string>();
      for await (const page of database.loadDesired())
        for (const row of page) held.set(row.device, Buffer.from(row.body ?? '').toString());
      expect(held.size).toBe(1499);
      expect([held.get('d0'), held.get('d1'), held.get('d2')]).toEqual(['one', 'two', undefined]);
    });
  });

  describe('the audit', () => {
    it('numbers its entries and is asked by customer, key, action, target and time', async () => {
      const { stores } = await startStores({ engine });
      await stores.database.saveAudit(
        [
          entry({ at: 100 }),
          entry({ at: 200, by: 'key2', customer: 'other', target: 'other/x' }),
          entry({ at: 300, action: 'key.create', target: 'key abc' }),
          entry({ at: 400, action: 'command.cancel' }),
        ],
        [],
      );
      expect(await audited(stores)).toEqual([4, 3, 2, 1]);
      expect(await audited(stores, { customer: 'acme' })).toEqual([4, 3, 1]);
      expect(await audited(stores, { by: 'key2' })).toEqual([2]);
      expect(await audited(stores, { action: 'command.' })).toEqual([4, 2, 1]);
      expect(await audited(stores, { action: 'command' })).toEqual([]);
      expect(await audited(stores, { customer: 'acme', target: 'acme/pump', before: 4 })).toEqual([1]);
      expect(await audited(stores, { from: 200, to: 400 })).toEqual([3, 2]);
      expect(await audited(stores, { limit: 2 })).toEqual([4, 3]);
    });

    it('is told an outcome later, once', async () => {
      const { stores } = await startStores({ engine });
      const { database } = stores;
      const open = { outcome: null, outcomeAt: null, reference: 'command acme/c1' };
      await database.saveAudit([entry(open), entry()], []);
      const settle = (outcome: string) =>
        database.saveAudit([], [{ reference: 'command acme/c1', outcome, at: 2000 }]);
      await settle('done');
      await settle('failed');
      const rows = await database.listAudit({
        ...everything,
        by: null,
        action: null,
        target: null,
        from: null,
        to: null,
      });
      expect(rows.map(({ outcome, outcomeAt }) => [outcome, outcomeAt])).toEqual([
        ['done', 1000],
        ['done', 2000],
      ]);
    });

    it('forgets what is old, in portions, and never gives a number twice', async () => {
      const { stores } = await startStores({ engine });
      const { database } = stores;
      await database.saveAudit([entry({ at: 1 }), entry({ at: 2 }), entry({ at: 3 })], []);
      expect(await database.deleteAudit(3, 1)).toBe(1);
      expect(await database.deleteAudit(10, 10)).toBe(2);
      await database.saveAudit([entry()], []);
      expect(await audited(stores)).toEqual([4]);
    });
  });
}
