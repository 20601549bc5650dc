import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { RecentRecords } from '../../broker/store/log/recent-records.ts';
import { positionOf } from '../../broker/store/position.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;

describe('the recent records', () => {
  it('hold no memory of what was dropped', async () => {
    const recent = new RecentRecords(MIB);
    const dropped: WeakRef<Uint8Array>[] = [];
    for (let index = 0; index < 10; index += 1) {
      recent.push({
        position: positionOf(index),
        end: positionOf(index + 1),
        payload: new Uint8Array(MIB),
        sources: [],
      });
    }
    while (recent.full) dropped.push(new WeakRef((recent.dropOldest() as { payload: Uint8Array }).payload));
    expect(dropped.length).toBe(9);
    // What was looked at in a turn lives as long as the turn.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(dropped.filter((payload) => payload.deref() !== undefined)).toEqual([]);
    expect(recent.first).toBe(9);
  });
});
