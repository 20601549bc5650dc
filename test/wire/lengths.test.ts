/** P-2.2, P-3.2: lengths are bytes, not characters, at their very bounds. */
import { describe, expect, it } from 'vitest';
import { encode } from '../../broker/wire/cbor.ts';
import { encodeCommand, encodeDesired, encodeError, encodeWelcome } from '../../broker/wire/encode.ts';
import { FrameError } from '../../broker/wire/frame-error.ts';
import { decodeItem, FrameReader } from '../../broker/wire/reader.ts';
import { ERROR_CODES, type ErrorCode } from '../../schemas/errors.ts';
import { LEAST_MAX_FRAME } from '../../schemas/frames.ts';

/** The code of the refusal; null: it is taken. */
function outcome(frame: unknown): ErrorCode | null {
  try {
    new FrameReader().read(encode(frame));
    return null;
  } catch (error) {
    if (error instanceof FrameError) return error.code;
    throw error;
  }
}

/** A text of so many bytes, in letters that take 2, 3 or 4 each; what is left over are letters of one. */
const texts = (bytes: number) =>
  ['ü', '€', '😀'].map((letter) => {
    const size = Buffer.byteLength(letter);
    return letter.repeat(Math.floor(bytes / size)) + 'x'.repeat(bytes % size);
  });

it.each<[string, number, ErrorCode, (text: string) => unknown]>([
  ['a text', 4096, 'text-too-long', (text) => [1, 1, null, { a: text }]],
  ['a key', 64, 'key-not-text', (text) => [1, 1, null, { a: { [text]: 1 } }]],
  ["hello's model", 128, 'bad-hello', (text) => [0, { model: text }]],
  ["hello's firmware", 128, 'bad-hello', (text) => [0, { firmware: text }]],
  ["a text of hello's meta", 256, 'bad-hello', (text) => [0, { meta: { a: text } }]],
  ['the id of a command', 64, 'bad-result', (text) => [4, text, 3]],
])('%s may have %i bytes and not one more, whatever its letters', (_what, most, code, frame) => {
  for (const text of texts(most)) expect(outcome(frame(text))).toBe(null);
  for (const text of texts(most + 1)) expect(outcome(frame(text))).toBe(code);
});

describe(`what a device must be able to receive, ${LEAST_MAX_FRAME} bytes, holds`, () => {
  const id = 'c'.repeat(64);

  it('the welcome with the largest numbers; and a command has 16 bytes around its parts at most', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const limits = { frameBytes: most, framesPerSecond: most, bytesPerSecond: most, window: most };
    const welcome = encodeWelcome({ session: 's'.repeat(12), time: most, keepalive: most, limits });
    expect(welcome.length).toBeLessThanOrEqual(LEAST_MAX_FRAME);
    const frames = [encodeCommand(id, 'n'.repeat(64), 0, most), encodeDesired(most, {})];
    expect(frames.map(({ length }) => length)).toEqual([64 + 64 + 1 + 15, 12]);
  });

  it('the sentence of every code whole, with the longest number and id', () => {
    for (const [code, { message }] of Object.entries(ERROR_CODES)) {
      const bytes = encodeError(code as ErrorCode, message, Number.MAX_SAFE_INTEGER, id);
      expect(bytes.length).toBeLessThanOrEqual(LEAST_MAX_FRAME);
      expect(decodeItem(bytes)).toEqual([20, code, message, Number.MAX_SAFE_INTEGER, id]);
    }
  });

  it('no code that is longer than the page says', () => {
    expect(Object.keys(ERROR_CODES).filter((code) => code.length > 32)).toEqual([]);
  });

  it.each(['x', 'ü', '€', '😀'])('every longer sentence, cut at a whole character: %s', (letter) => {
    for (let length = 0; length < 400; length += 1) {
      const bytes = encodeError('bad-metric', letter.repeat(length), null, null);
      expect(bytes.length).toBeLessThanOrEqual(LEAST_MAX_FRAME);
      const [, , message] = decodeItem(bytes) as [number, string, string];
      expect(message.replace(/…$/, '')).toBe(letter.repeat([...message.replace(/…$/, '')].length));
    }
  });

  it('the answer to a name that is shown with escapes', () => {
    const name = '\u0001'.repeat(64);
    const reader = new FrameReader();
    try {
      reader.read(encode([1, 5, null, { [name]: 1 }]));
      expect.unreachable();
    } catch (error) {
      const { code, message, seq } = error as FrameError;
      expect(Buffer.byteLength(message)).toBeGreaterThan(LEAST_MAX_FRAME);
      expect(encodeError(code, message, seq).length).toBeLessThanOrEqual(LEAST_MAX_FRAME);
    }
  });
});
