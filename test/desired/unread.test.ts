/** A device that is connected and does not read. */
import { describe, expect, it } from 'vitest';
import { desiredWorld } from './world.ts';

describe('a device that does not read', () => {
  it('has one document in its socket, and gets the newest when it reads again', async () => {
    const { desired, device, told, connects, reads } = await desiredWorld();
    connects();
    reads(false);
    for (let rpm = 1; rpm <= 50; rpm += 1) await desired.put(device, { rpm }, { expected: null, by: 'key1' });
    expect(told).toEqual([[1, { rpm: 1 }]]);
    reads(true);
    expect(told).toEqual([
      [1, { rpm: 1 }],
      [50, { rpm: 50 }],
    ]);
  });

  it('gets the newest at its next connection, where it reads', async () => {
    const { desired, device, told, connects, reads } = await desiredWorld();
    connects();
    reads(false);
    for (const rpm of [1, 2, 3]) await desired.put(device, { rpm }, { expected: null, by: 'key1' });
    device.member = { ...device.member!, session: 's2' };
    desired.greeted(device, device.member);
    expect(told.at(-1)).toEqual([3, { rpm: 3 }]);
  });
});
