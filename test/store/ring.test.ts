import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { RecordRing } from '../../broker/store/log/ring.ts';
import { positionOf } from '../../broker/store/position.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;

describe('the ring of recent records', () => {
  it('holds no memory of what it dropped', async () => {
    const ring = new RecordRing(MIB);
    const dropped: WeakRef<Uint8Array>[] = [];
    for (let index = 0; index < 10; index += 1) {
      ring.push({
        position: positionOf(index),
        end: positionOf(index + 1),
        payload: new Uint8Array(MIB),
        sources: [],
      });
    }
    while (ring.full) dropped.push(new WeakRef((ring.dropOldest() as { payload: Uint8Array }).payload));
    expect(dropped.length).toBe(9);
    // What was looked at in a turn lives as long as the turn.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(dropped.filter((payload) => payload.deref() !== undefined)).toEqual([]);
    expect(ring.first).toBe(9);
  });
});
