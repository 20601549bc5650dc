/** P-2.2: what a value costs goes by its items and its bytes, not by its bytes on the wire alone. */
import { describe, expect, it } from 'vitest';
import { encode } from '../../broker/wire/cbor.ts';
import { costOf, costOfKey, ITEM_COST } from '../../broker/wire/cost.ts';
import type { Value } from '../../broker/wire/frames.ts';

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
