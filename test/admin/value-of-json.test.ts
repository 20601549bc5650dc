/** JSON that somebody sends as arguments or as desired state: what it becomes, and what is refused with its place. */
import { describe, expect, it } from 'vitest';
import { parseValue, parseValueMap, toJson } from '../../broker/hub/json.ts';
import { HubRefusal } from '../../broker/hub/refusal.ts';
import { encodeCommand } from '../../broker/wire/encode.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { decodeItem } from '../../broker/wire/reader.ts';

const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);

function refused(json: unknown): string {
  try {
    parseValue(json, 'body.args');
  } catch (error) {
    if (error instanceof HubRefusal && error.code === 'bad-request') return error.message;
    throw error;
  }
  throw new Error('it was taken');
}

describe('JSON as a value', () => {
  it.each<[unknown]>([
    [null],
    [true],
    [-0.5],
    [2 ** 53 - 1],
    ['ü𝄞'],
    [[1, ['a', {}]]],
    [{ a: { 'any key!': [] } }],
  ])('is itself: %j', (json) => {
    expect(parseValue(json, 'body.args')).toEqual(json);
  });

  it('is a byte string where JSON names the encoding, and comes back as the same JSON', () => {
    const json = { key: { base64: 'AQL/' }, other: { base64: 'AQL/', more: 1 }, number: { base64: 7 } };
    const value = parseValue(json, 'body.args') as Record<string, Value>;
    expect(value.key).toEqual(new Uint8Array([1, 2, 255]));
    expect(toJson(value)).toEqual(json);
  });

  it('of a whole document is a map, whatever its keys are', () => {
    expect(parseValueMap({ base64: 'AQL/' }, 'body')).toEqual({ base64: 'AQL/' });
  });
});

describe('JSON outside the profile is refused with its place', () => {
  it.each<[string, unknown, string]>([
    ['an integer that would be rounded', { n: [2 ** 53] }, 'body.args.n.0 is beyond plus or minus 2^53-1'],
    ['a number that JSON overflows', JSON.parse('{"n":1e400}'), 'body.args.n is too large for a number'],
    ['a long text', { t: 'ü'.repeat(2049) }, 'body.args.t has 4098 bytes; a text holds at most 4096'],
    ['half a surrogate pair', ['\ud800'], 'body.args.0 holds half of a surrogate pair'],
    [
      'a long key',
      { ['k'.repeat(65)]: 1 },
      'body.args has the key "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"… of 65 bytes',
    ],
    ['an empty key', { a: { '': 1 } }, 'body.args.a has an empty key'],
    ['a forbidden key', { a: [{ prototype: 1 }] }, 'body.args.a.0 has the key prototype'],
    ['a long array', new Array(1025).fill(0), 'body.args has 1025 elements; an array holds at most 1024'],
    [
      'a large map',
      Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`k${at}`, 0])),
      'body.args has 257 keys',
    ],
    ['bytes that are none', { base64: 'AQI' }, 'body.args.base64 stands for a byte string and is not base64'],
    ['too many bytes', { base64: Buffer.alloc(16385).toString('base64') }, 'body.args has 16385 bytes'],
  ])('%s', (_, json, message) => {
    expect(refused(json)).toContain(message);
  });

  it('too deep, exactly where a device would refuse the frame', () => {
    const deepest = parseValue(nested(7), 'body.args');
    expect(() => decodeItem(encodeCommand('id', 'name', deepest, 1))).not.toThrow();
    expect(refused(nested(8))).toBe('body.args.0.0.0.0.0.0.0 lies too deep; nest at most 7 levels.');
    expect(() => decodeItem(encodeCommand('id', 'name', nested(8) as Value, 1))).toThrow();
  });

  it('too many in all, exactly where a device would refuse the frame', () => {
    const rows = (last: number) => [...new Array(9).fill(new Array(409).fill(0)), new Array(last).fill(0)];
    const most = parseValue(rows(399), 'body.args');
    expect(() => decodeItem(encodeCommand('id', 'name', most, 1))).not.toThrow();
    expect(refused(rows(400))).toContain('body.args.9.399 is one value too many');
    expect(() => decodeItem(encodeCommand('id', 'name', rows(400), 1))).toThrow();
  });
});
