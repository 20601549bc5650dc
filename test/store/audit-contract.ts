/** What every store of the audit promises (broker/store/command-ports.ts), whatever the engine. */
import { expect, it } from 'vitest';
import { WHOLE_AUDIT } from '../../broker/hub/audit/audit.ts';
import type { AuditQuery, AuditRow } from '../../broker/store/command-ports.ts';
import type { Stores } from '../../broker/store/ports.ts';
import { startStores } from './harness.ts';

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

const everything: AuditQuery = { ...WHOLE_AUDIT, limit: 100 };

async function audited(stores: Stores, query: Partial<AuditQuery> = {}): Promise<number[]> {
  const { items } = await stores.database.listAudit({ ...everything, ...query });
  return items.map(({ number }) => number);
}

export function auditContract(engine: 'files' | 'memory'): void {
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
    expect(await audited(stores, { customer: 'other', target: 'acme/pump' })).toEqual([]);
    expect(await audited(stores, { by: 'key1', target: 'key abc' })).toEqual([3]);
    expect(await audited(stores, { by: 'key2', target: 'key abc' })).toEqual([]);
    expect(await audited(stores, { customer: 'acme', by: 'key2' })).toEqual([]);
    expect(await audited(stores, { customer: 'acme', action: 'key.create' })).toEqual([3]);
    expect(await audited(stores, { from: 200, to: 400 })).toEqual([3, 2]);
    expect(await audited(stores, { customer: 'acme', from: 200, to: 400 })).toEqual([3]);
    expect(await audited(stores, { from: 401 })).toEqual([]);
    expect(await audited(stores, { to: 100 })).toEqual([]);
    expect(await audited(stores, { limit: 2 })).toEqual([4, 3]);
  });

  it('gives entries back whole, and finds those of a time also when the clock was set back', async () => {
    const { stores } = await startStores({ engine });
    const whole = entry({
      at: 900,
      detail: '{"name":"restart"}',
      outcome: null,
      outcomeAt: null,
      reference: 'r',
    });
    await stores.database.saveAudit([whole, entry({ at: 300 }), entry({ at: 600 })], []);
    expect(await audited(stores, { from: 500 })).toEqual([3, 1]);
    expect(await audited(stores, { to: 500 })).toEqual([2]);
    expect((await stores.database.listAudit({ ...everything, from: 900 })).items[0]).toEqual({
      ...whole,
      number: 1,
    });
  });

  it('takes an entry and its outcome in one call', async () => {
    const { stores } = await startStores({ engine });
    const open = entry({ outcome: null, outcomeAt: null, reference: 'job j1' });
    await stores.database.saveAudit([open], [{ reference: 'job j1', outcome: 'done', at: 2000 }]);
    const { items } = await stores.database.listAudit(everything);
    expect(items).toMatchObject([{ outcome: 'done', outcomeAt: 2000 }]);
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
    await database.saveAudit([], [{ reference: 'command acme/unknown', outcome: 'done', at: 2000 }]);
    const { items } = await database.listAudit(everything);
    expect(items.map(({ outcome, outcomeAt }) => [outcome, outcomeAt])).toEqual([
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
}
