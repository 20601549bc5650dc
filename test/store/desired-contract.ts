/** What every store of desired state promises (broker/store/command-ports.ts), whatever the engine. */
import { expect, it } from 'vitest';
import type { DesiredRow } from '../../broker/store/command-ports.ts';
import { positionOf } from '../../broker/store/position.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { startStores } from './harness.ts';
import { bytesOf, textOfBytes } from './rows.ts';

export function desiredContract(engine: 'files' | 'memory'): void {
  it('comes back whole, and forgetting what is unknown changes nothing', async () => {
    const { database } = (await startStores({ engine })).stores;
    const row: DesiredRow = {
      customer: 'acme',
      device: 'pump',
      position: positionOf(7),
      body: bytesOf('state'),
    };
    await database.saveDesired([
      row,
      { customer: 'acme', device: 'unknown', position: positionOf(7), body: null },
    ]);
    const held: unknown[] = [];
    for await (const page of everyPage(database.loadDesired))
      for (const { body, ...rest } of page) held.push({ ...rest, body: body && textOfBytes(body) });
    expect(held).toEqual([{ ...row, body: 'state' }]);
  });

  it('keeps the last row of each device, more than a page of them, until it is forgotten', async () => {
    const { database } = (await startStores({ engine })).stores;
    const rows = Array.from({ length: 1500 }, (_, index) => ({
      customer: 'acme',
      device: `d${index}`,
      position: positionOf(1),
      body: bytesOf('one'),
    }));
    await database.saveDesired(rows);
    await database.saveDesired([
      { customer: 'acme', device: 'd1', position: positionOf(2), body: bytesOf('two') },
    ]);
    await database.saveDesired([{ customer: 'acme', device: 'd2', position: positionOf(3), body: null }]);
    const held = new Map<string, string>();
    for await (const page of everyPage(database.loadDesired))
      for (const row of page) held.set(row.device, textOfBytes(row.body ?? bytesOf('')));
    expect(held.size).toBe(1499);
    expect([held.get('d0'), held.get('d1'), held.get('d2')]).toEqual(['one', 'two', undefined]);
  });
}
