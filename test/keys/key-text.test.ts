import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { keyIdOf, makeKeyText } from '../../broker/access/key-text.ts';
import { fc } from '../helpers/fast-check.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

describe('the text of a key', () => {
  it('is sbx_, an id of 8, a secret of 32 and a checksum of 6 base62 characters', () => {
    const { id, text } = makeKeyText(randomBytes);
    expect(text).toMatch(/^sbx_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}$/);
    expect(text.slice(4, 12)).toBe(id);
    expect(keyIdOf(text)).toBe(id);
  });

  it('ends with the CRC32 of everything before it, as another program would work it out', () => {
    const { text } = makeKeyText(randomBytes);
    const value = [...text.slice(-6)].reduce((sum, character) => sum * 62 + BASE62.indexOf(character), 0);
    expect(value).toBe(crc32(text.slice(0, -6)));
  });

  it('is refused when one character is mistyped, or two neighbours are swapped', () => {
    const { text } = makeKeyText(randomBytes);
    const place = fc.integer({ min: 0, max: text.length - 1 });
    fc.assert(
      fc.property(place, fc.constantFrom(...BASE62, '_', '-', ' '), (at, typed) => {
        fc.pre(text[at] !== typed);
        expect(keyIdOf(text.slice(0, at) + typed + text.slice(at + 1))).toBeNull();
      }),
    );
    fc.assert(
      fc.property(place, (at) => {
        const next = text[at + 1];
        fc.pre(next !== undefined && next !== text[at]);
        expect(keyIdOf(text.slice(0, at) + next + text[at] + text.slice(at + 2))).toBeNull();
      }),
    );
  });

  it.each(['', 'sbx_', 'sbx_12345678_', 'secret', 'é'.repeat(51)])('%j is refused', (text) => {
    expect(keyIdOf(text)).toBeNull();
  });

  it('is refused with something before or after it, a line end too', () => {
    const { text } = makeKeyText(randomBytes);
    for (const wrong of [` ${text}`, `${text} `, `${text}\n`, text.slice(0, -1), `${text}0`]) {
      expect(keyIdOf(wrong)).toBeNull();
    }
  });

  it('has every character as likely as the others: bytes that would favour some are dropped', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    let from = 0;
    const { text } = makeKeyText((count) => {
      const bytes = Uint8Array.from({ length: count }, (_, at) => all[(from + at) % 256] as number);
      from = 240;
      return bytes;
    });
    // Bytes 240 to 247, then 0 and on: 248 to 255 have left no trace.
    const expected = [...[...all.subarray(240, 248)], ...[...all.subarray(0, 16)]].map(
      (byte) => BASE62[byte % 62],
    );
    expect(text.slice(13, 13 + expected.length)).toBe(expected.join(''));
  });
});
