/** P-2.2: what a value costs goes by its items and its bytes, not by its bytes on the wire alone. */

import { describe, expect, it } from 'vitest';
import { encode } from '../../broker/wire/cbor.ts';
import { costOf, costOfKey, ITEM_COST } from '../../broker/wire/cost.ts';
import { encodeTelemetry } from '../../broker/wire/encode.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { fc } from '../helpers/fast-check.ts';

describe('the cost of a value', () => {
  it.each<[string, Value, number]>([
    ['a number', 21.5, ITEM_COST.scalar],
    ['a boolean', false, ITEM_COST.scalar],
    ['null', null, ITEM_COST.scalar],
    ['an empty text', '', ITEM_COST.text],
    ['a text, by its bytes', 'Grüße', ITEM_COST.text + 7],
    ['a byte string', new Uint8Array(300), ITEM_COST.bytes + 300],
    ['an array', [1, 'ab'], ITEM_COST.array + ITEM_COST.scalar + ITEM_COST.text + 2],
    ['a map', { on: true }, ITEM_COST.map + ITEM_COST.key + 2 + ITEM_COST.scalar],
    ['nesting', [[[]]], 3 * ITEM_COST.array],
  ])('is the overhead of its kind and its bytes: %s', (_what, value, cost) => {
    expect(costOf(value)).toBe(cost);
  });

  it('counts a key by its bytes', () => {
    expect(costOfKey('µm')).toBe(ITEM_COST.key + 3);
  });

  it('sees what the wire hides: 4,000 empty byte strings are 4 KB there', () => {
    const value = Array.from({ length: 4 }, () => Array.from({ length: 1000 }, () => new Uint8Array(0)));
    expect(encode(value).length).toBeLessThan(4100);
    expect(costOf(value)).toBeGreaterThan(800_000);
  });
});

/** Bytes of text, of byte strings and of keys, which the wire has once and `costOf` counts too. */
function contents(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return (value as Value[]).reduce<number>((sum, one) => sum + contents(one), 0);
  return Object.entries(value).reduce((sum, [key, one]) => sum + Buffer.byteLength(key) + contents(one), 0);
}

describe('the cost of a frame', () => {
  const leaf = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.string({ maxLength: 20 }),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => new Uint8Array(bytes)),
  );
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'value' },
      leaf,
      fc.array(tie('value'), { maxLength: 6 }),
      fc.dictionary(fc.stringMatching(/^k[a-z]{1,8}$/), tie('value'), { maxKeys: 4 }),
    ),
  }));

  it('is its bytes and the overhead that costOf gives to each of its items', () => {
    fc.assert(
      fc.property(value, (inner) => {
        const reader = new FrameReader();
        const frame = encodeTelemetry(1, null, { a: inner });
        reader.read(frame);
        const overhead = costOf([1, 1, null, { a: inner }]) - contents(inner) - 1;
        expect(reader.cost).toBe(frame.length + overhead);
      }),
    );
  });

  it('counts a name in full only when the layout is new', () => {
    const reader = new FrameReader();
    const frame = encodeTelemetry(1, null, { temp: 1, flow: 2 });
    reader.read(frame);
    const first = reader.cost;
    reader.read(frame);
    expect(first - reader.cost).toBe(2 * (ITEM_COST.key - ITEM_COST.scalar));
  });
});
