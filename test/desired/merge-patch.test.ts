/** JSON merge patch: the table of RFC 7396, appendix A, where document and patch are maps; and what holds for all. */

import { describe, expect, it } from 'vitest';
import { differenceOf, isSame, mergePatch } from '../../broker/hub/desired/document.ts';
import type { Value, ValueMap } from '../../broker/wire/frames.ts';
import { fc } from '../helpers/fast-check.ts';

const TABLE: readonly (readonly [original: ValueMap, patch: ValueMap, result: ValueMap])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

const name = fc.stringMatching(/^[a-z]{1,3}$/);
const scalar = fc.oneof(fc.integer(), fc.string({ maxLength: 4 }), fc.boolean());
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const document = fc.dictionary(name, value, { maxKeys: 4 });

describe('a merge patch (RFC 7396)', () => {
  it.each(TABLE)('turns %j with %j into %j', (original, patch, result) => {
    expect(mergePatch(original, patch)).toEqual(result);
  });

  it('changes nothing when it comes again', () => {
    fc.assert(
      fc.property(document, document, (original, patch) => {
        const once = mergePatch(original, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('leaves the original as it was', () => {
    fc.assert(
      fc.property(document, document, (original, patch) => {
        const before = structuredClone(original);
        mergePatch(original, patch);
        expect(original).toEqual(before);
      }),
    );
  });
});

describe('"Delta of desired and reported is still missing" (eclipse-ditto#696): the difference', () => {
  const of = (desired: ValueMap | null, reported: ValueMap | null) =>
    differenceOf({
      desired: desired && { version: 1, values: desired, at: 0, by: 'k' },
      reported: reported && { version: 1, values: reported, at: 0 },
    });

  it('names what is not as it should be, and what is not there yet', () => {
    expect(of({ a: 1, b: 2, c: { d: [1] } }, { a: 1, b: 3, c: { d: [1] }, own: true })).toEqual({
      b: { desired: 2, reported: 3 },
    });
    expect(of({ a: 1 }, null)).toEqual({ a: { desired: 1 } });
    expect(of(null, { a: 1 })).toEqual({});
  });

  it('is nothing for a device that reports what it was told', () => {
    fc.assert(
      fc.property(document, (values) => {
        expect(of(values, structuredClone(values))).toEqual({});
      }),
    );
  });

  it('goes by value: bytes, order of names, and no name that only an object has', () => {
    expect(isSame(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(isSame(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(isSame({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(isSame({ a: 0, b: [-0] }, { b: [0], a: -0 })).toBe(true);
    expect(isSame({ raw: Buffer.of(1) }, { raw: Uint8Array.of(1) })).toBe(true);
    expect(isSame({ a: 1 }, { b: 1 })).toBe(false);
    expect(isSame([1, 2], [2, 1])).toBe(false);
    expect(of({ toString: 'x' }, {})).toEqual({ toString: { desired: 'x' } });
  });
});
