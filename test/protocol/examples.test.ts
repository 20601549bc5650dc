/** What PROTOCOL.md shows is true: bytes and the arithmetic of the profile. */
import { describe, expect, it } from 'vitest';
import { encode } from '../../broker/wire/cbor.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { diagnostic } from '../helpers/diagnostic.ts';
import { fromHex, vectors } from '../helpers/vectors.ts';
import { blocks } from './page.ts';

interface Example {
  readonly hex: string;
  readonly notation: string;
}

/** Bytes with comments, then a line with the whole in diagnostic notation. */
function example(block: string): Example {
  const lines = block.trimEnd().split('\n');
  const notation = (lines.pop() ?? '').replace(/^# /, '');
  const hex = lines.map((line) => line.replace(/#.*/, '')).join('');
  return { hex: hex.replace(/\s/g, ''), notation };
}

const examples = blocks('hex').map(example);

describe('the worked bytes of PROTOCOL.md', () => {
  it.each(examples)('say what stands beneath them: $notation', ({ hex, notation }) => {
    expect(hex).toMatch(/^([0-9a-f]{2})+$/);
    expect(diagnostic(fromHex(hex))).toBe(notation);
  });

  it.each(examples)('are among the vectors: $notation', ({ hex }) => {
    const known = [...vectors('device-frames'), ...vectors('broker-frames')].map((vector) => vector.hex);
    expect(known).toContain(hex);
  });

  it('show every frame', () => {
    const shown = examples.map(({ notation }) => Number(/\d+/.exec(notation)?.[0]));
    expect(new Set(shown)).toEqual(new Set(Object.values(FRAME)));
  });
});

describe('P-2.2: the room that PROTOCOL.md promises a batch of 4 metrics', () => {
  const fields = ['a', 'b', 'c', 'd'];
  const batch = (samples: number, values: unknown) =>
    encode([FRAME.batch, 1, null, Array.from({ length: samples }, (_, index) => [index, values])]);
  const read = (bytes: Uint8Array) => {
    const reader = new FrameReader();
    reader.fields = fields;
    return reader.read(bytes);
  };

  it.each([
    ['by fields', 584, [1, 2, 3, 4]],
    ['by name', 371, { a: 1, b: 2, c: 3, d: 4 }],
  ])('%s is %i samples and not one more', (_how, room, values) => {
    expect(read(batch(room, values))).toMatchObject({ samples: { length: room } });
    expect(() => read(batch(room + 1, values))).toThrow(/4,096 items/);
  });

  it('values of telemetry nest 6 levels more, those of a batch 4', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    const telemetry = (levels: number) => encode([FRAME.telemetry, 1, null, { a: nested(levels) }]);
    expect(read(telemetry(6)).kind).toBe(FRAME.telemetry);
    expect(() => read(telemetry(7))).toThrow(/8 levels/);
    expect(read(batch(1, { a: nested(4) })).kind).toBe(FRAME.batch);
    expect(() => read(batch(1, { a: nested(5) }))).toThrow(/8 levels/);
  });
});
