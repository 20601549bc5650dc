/** What every store of commands promises (broker/store/command-ports.ts), whatever the engine. */
import { expect, it } from 'vitest';
import type { CommandQuery, CommandRow } from '../../broker/store/command-ports.ts';
import type { Stores } from '../../broker/store/ports.ts';
import { positionOf } from '../../broker/store/position.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { startStores } from './harness.ts';
import { bytesOf, textOfBytes } from './rows.ts';

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
    position: positionOf(0),
    body: bytesOf(`body ${number}`),
    ...changes,
  };
}

const everything = { customer: '*', before: null, limit: 100 } as const;

async function listed(stores: Stores, query: Partial<CommandQuery> = {}): Promise<string[]> {
  const { items } = await stores.database.listCommands({ ...everything, device: null, job: null, ...query });
  return items.map(({ id }) => id);
}

export function commandContract(engine: 'files' | 'memory'): void {
  it('come back whole, and the last save of one counts', async () => {
    const { database } = (await startStores({ engine })).stores;
    await database.saveCommands([command(1), command(2, { job: 'j1' })]);
    const changed = { status: 'done', endedAt: 5000, position: positionOf(77), body: bytesOf('done') };
    await database.saveCommands([command(1, changed)]);
    const [row] = await database.findCommands('acme', 'c1');
    expect(row && { ...row, body: textOfBytes(row.body) }).toEqual({
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
    for await (const page of everyPage(database.loadOpenCommands))
      numbers.push(...page.map(({ number }) => number));
    expect(numbers).toEqual(
      rows
        .map(({ number }) => number)
        .filter((number) => number !== 7)
        .reverse(),
    );
  });

  it('that are open come in one page as long as they fit', async () => {
    const { database } = (await startStores({ engine })).stores;
    await database.saveCommands(Array.from({ length: 1000 }, (_, index) => command(index + 1)));
    expect(await database.loadOpenCommands(null)).toMatchObject({ items: { length: 1000 }, next: null });
    await database.saveCommands([command(1001)]);
    expect((await database.loadOpenCommands(null)).next).toBe(1000);
    expect(await database.loadOpenCommands(1000)).toMatchObject({ items: [{ number: 1001 }], next: null });
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
    expect(await listed(stores, { customer: 'acme' })).toEqual(['c3', 'c2', 'c1']);
    expect(await listed(stores, { customer: 'acme', device: 'pump' })).toEqual(['c3', 'c1']);
    expect(await listed(stores, { device: 'pump' })).toEqual(['c4', 'c3', 'c1']);
    expect(await listed(stores, { customer: 'acme', job: 'j1' })).toEqual(['c3', 'c2']);
    expect(await listed(stores, { job: 'j1', device: 'valve' })).toEqual(['c2']);
    expect(await listed(stores, { customer: 'acme', before: 3, limit: 1 })).toEqual(['c2']);
  });

  it('say where the next page begins, and on the last page that there is none', async () => {
    const { database } = (await startStores({ engine })).stores;
    await database.saveCommands([command(1), command(2), command(3), command(4)]);
    const page = async (before: number | null) => {
      const { items, next } = await database.listCommands({
        ...everything,
        device: null,
        job: null,
        before,
        limit: 2,
      });
      return [items.map(({ number }) => number), next];
    };
    expect([await page(null), await page(3), await page(1)]).toEqual([
      [[4, 3], 3],
      [[2, 1], null],
      [[], null],
    ]);
  });

  it('of a job are shown to nobody but its customer', async () => {
    const { stores } = await startStores({ engine });
    await stores.database.saveCommands([command(1, { job: 'j1' })]);
    expect(await listed(stores, { job: 'j1' })).toEqual(['c1']);
    expect(await listed(stores, { customer: 'other', job: 'j1' })).toEqual([]);
  });

  it('are saved all or none', async () => {
    const { stores } = await startStores({ engine });
    await stores.database.saveCommands([command(1)]);
    const taken = command(1, { id: 'another of the same number' });
    await expect(stores.database.saveCommands([command(2), taken])).rejects.toThrow();
    expect(await listed(stores)).toEqual(['c1']);
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

  it('never give a number twice, also when the newest of them was deleted', async () => {
    const { database } = (await startStores({ engine })).stores;
    expect(await database.lastCommandNumber()).toBe(0);
    await database.saveCommands([command(1), command(2, { endedAt: 100 })]);
    expect(await database.deleteEndedCommands(300, 10)).toBe(1);
    expect(await database.lastCommandNumber()).toBe(2);
  });
}
