/** What a device's value looks like to programs that read JSON. */
import { describe, expect, it } from 'vitest';
import { toJson } from '../../broker/hub/json.ts';
import type { Value } from '../../broker/wire/frames.ts';

describe('a value in JSON', () => {
  it.each<[string, Value]>([
    ['a number', 21.5],
    ['a text', 'open'],
    ['a boolean', false],
    ['nothing', null],
    ['an array', [1, 'two', [null]]],
    ['a map', { lat: 47.6, tags: { a: true } }],
  ])('is itself: %s', (_, value) => {
    expect(JSON.parse(JSON.stringify(toJson(value)))).toEqual(value);
  });

  it('names the encoding of a byte string, at any depth', () => {
    const bytes = new Uint8Array([9, 1, 2, 255, 9]).subarray(1, 4);
    expect(toJson(bytes)).toEqual({ base64: 'AQL/' });
    expect(toJson({ raw: [bytes] })).toEqual({ raw: [{ base64: 'AQL/' }] });
  });
});
