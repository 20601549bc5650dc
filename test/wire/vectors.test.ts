import { describe, expect, it } from 'vitest';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { FrameError } from '../../broker/wire/frame-error.ts';
import { decodeItem, FrameReader } from '../../broker/wire/reader.ts';
import { ERROR_CODES } from '../../schemas/errors.ts';
import { diagnostic } from '../helpers/diagnostic.ts';
import { asJson, fromHex, type Vector, vectors } from '../helpers/vectors.ts';

const FILES = ['device-frames', 'broker-frames', 'refused-frames', 'rfc8949-appendix-a'];

function read({ hex, fields }: Vector): unknown {
  const reader = new FrameReader();
  reader.fields = fields ?? null;
  return reader.read(fromHex(hex));
}

/** `{error, seq}` of what is thrown; anything but a FrameError is passed on. */
function refusal(run: () => unknown): { error: string; seq: number | undefined } {
  try {
    run();
  } catch (error) {
    if (error instanceof FrameError) return { error: error.code, seq: error.seq ?? undefined };
    throw error;
  }
  return { error: 'nothing was thrown', seq: undefined };
}

describe('wire vectors', () => {
  it.each(FILES)('%s: bytes and diagnostic notation say the same', (file) => {
    for (const { hex, diagnostic: notation } of vectors(file)) {
      if (notation !== undefined) expect(diagnostic(fromHex(hex))).toBe(notation);
    }
  });

  it.each(vectors('device-frames'))('P-2.3: the broker takes: $name', (vector) => {
    expect(asJson(read(vector))).toEqual(vector.frame);
  });

  it.each(vectors('refused-frames'))('P-2.3: the broker refuses: $name', (vector) => {
    expect(refusal(() => read(vector))).toEqual({ error: vector.error, seq: vector.seq });
  });

  it.each(vectors('broker-frames'))('a device reads: $name', ({ hex, frame }) => {
    expect(asJson(parseBrokerFrame(fromHex(hex)))).toEqual(frame);
  });

  it.each(vectors('rfc8949-appendix-a'))(
    'P-2.2: RFC 8949 appendix A: $diagnostic',
    ({ hex, value, error }) => {
      if (error === undefined) expect(asJson(decodeItem(fromHex(hex)))).toEqual(value);
      else expect(refusal(() => decodeItem(fromHex(hex))).error).toBe(error);
    },
  );

  it('show every code that bytes alone can cause', () => {
    const shown = new Set(vectors('refused-frames').map(({ error }) => error));
    // These need more than one frame: a session, a size that ws refuses, a device's state.
    const others = [
      'frame-too-big',
      'text-message',
      'hello-not-first',
      'too-many-metrics',
      'value-too-big',
      'state-too-big',
      'unknown-command',
      'unknown-version',
    ];
    const more = [...others, 'clock-unset', 'clock-ahead'];
    expect(Object.keys(ERROR_CODES).filter((code) => !shown.has(code) && !more.includes(code))).toEqual([]);
  });
});
