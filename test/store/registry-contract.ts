/** What every store of registered devices promises (broker/store/ports.ts), whatever the engine. */
import { expect, it } from 'vitest';
import type { Database, RegisteredDeviceRow } from '../../broker/store/ports.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { startStores } from './harness.ts';

async function rows(database: Database): Promise<readonly RegisteredDeviceRow[]> {
  const held: RegisteredDeviceRow[] = [];
  for await (const page of everyPage(database.loadRegistered)) held.push(...page);
  return held;
}

export function registryContract(engine: 'files' | 'memory'): void {
  const row: RegisteredDeviceRow = {
    customer: 'acme',
    device: 'pump',
    registeredAt: 5,
    label: 'Pumpe "Süd"',
    tags: ['hall', 'a,b'],
    notes: 'two\nlines',
  };

  it('comes back whole; a later row keeps when it was registered', async () => {
    const { database } = (await startStores({ engine })).stores;
    await database.saveRegistered({ ...row, label: null, tags: [], notes: null });
    await database.saveRegistered({ ...row, registeredAt: 9 });
    expect(await rows(database)).toEqual([row]);
  });

  it('holds more than a page, and what is deleted is gone', async () => {
    const { database } = (await startStores({ engine })).stores;
    const names = Array.from({ length: 1200 }, (_, index) => `d${index}`);
    await Promise.all(names.map((device) => database.saveRegistered({ ...row, device })));
    await database.deleteRegistered('acme', 'd7');
    await database.deleteRegistered('acme', 'unknown');
    const held = (await rows(database)).map(({ device }) => device);
    expect(held).toHaveLength(1199);
    expect(held).not.toContain('d7');
  });
}
