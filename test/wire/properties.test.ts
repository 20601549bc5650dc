import { describe, expect, it } from 'vitest';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { encode } from '../../broker/wire/cbor.ts';
import { checkFrame } from '../../broker/wire/check.ts';
import { encodeAck, encodeBatch, encodeTelemetry, type SampleValues } from '../../broker/wire/encode.ts';
import { FrameError } from '../../broker/wire/frame-error.ts';
import { decodeItem, FrameReader } from '../../broker/wire/reader.ts';
import { ERROR_CODES } from '../../schemas/errors.ts';
import { fc } from '../helpers/fast-check.ts';
import { vectors } from '../helpers/vectors.ts';

const FORBIDDEN = ['__proto__', 'constructor', 'prototype'];
const key = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
  .filter((text) => Buffer.byteLength(text) <= 64 && !FORBIDDEN.includes(text));
const metric = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/)
  .filter((text) => !FORBIDDEN.includes(text));
// cbor-x writes minus zero as the integer 0.
const float = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0));
const number = fc.oneof(fc.maxSafeInteger(), float);
const leaf = fc.oneof(
  number,
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.uint8Array({ maxLength: 40 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('array'), tie('map')),
  array: fc.array(tie('value'), { maxLength: 6 }),
  map: fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
}));

/** The frame, or the code of the table. */
function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof FrameError && error.code in ERROR_CODES) return error.code;
    throw error;
  }
}

describe('the strict decoder', () => {
  it('P-2.2: decodes whatever cbor-x encodes inside the profile to the same value', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(decodeItem(encode(original))).toEqual(original);
      }),
    );
  });

  it('P-2.3: reads named, positional and batched samples as they were', () => {
    const values = fc.dictionary(metric, leaf, { maxKeys: 8, noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(values, { maxLength: 5 }), fc.integer({ min: 1 }), (samples, seq) => {
        const reader = new FrameReader();
        for (const sample of samples) {
          const frame = reader.read(encodeTelemetry(seq, null, sample));
          expect(frame).toEqual({
            kind: 1,
            seq,
            time: null,
            names: Object.keys(sample),
            values: Object.values(sample),
          });
          reader.fields = Object.keys(sample);
          const positional = reader.read(encodeTelemetry(seq, -5, Object.values(sample)));
          expect(positional).toMatchObject({
            time: -5,
            names: Object.keys(sample),
            values: Object.values(sample),
          });
        }
        const batch = reader.read(
          encodeBatch(
            seq,
            5,
            samples.map((sample, dt): [number, SampleValues] => [dt, sample]),
          ),
        );
        expect(batch).toMatchObject({
          samples: samples.map((sample, dt) => ({ dt, names: Object.keys(sample) })),
        });
      }),
    );
  });

  it('hands out the same names as long as a device sends the same ones', () => {
    const reader = new FrameReader();
    const read = (values: SampleValues) => {
      const frame = reader.read(encodeTelemetry(1, null, values));
      return 'names' in frame ? frame.names : null;
    };
    const first = read({ a: 1, b: 2 });
    expect(read({ a: 3, b: 4 })).toBe(first);
    expect(read({ a: 3 })).toEqual(['a']);
    expect(read({ b: 3, a: 4 })).toEqual(['b', 'a']);
  });

  it('P-1.4: never takes a bad metric name for a known one, whatever was refused before', () => {
    const bad = { 'a b': 1 };
    const before: [string, Uint8Array][] = [
      ['bad-metric', encode([1, 1, null, bad])],
      ['bad-seq', encode([1, 'x', null, bad])],
      [
        'too-many-values',
        encode([
          2,
          1,
          null,
          [
            [0, [1, 2]],
            [1, bad],
          ],
        ]),
      ],
    ];
    for (const [code, first] of before) {
      const reader = new FrameReader();
      reader.fields = ['a'];
      expect(outcome(() => reader.read(first))).toBe(code);
      expect(outcome(() => reader.read(encodeTelemetry(2, null, bad)))).toBe('bad-metric');
    }
  });

  it.each([2, 16, 17, 256])('P-2.2: finds the name that comes twice among %i', (count) => {
    const keys = Array.from({ length: count - 1 }, (_, index) => `k${String(index).padStart(3, '0')}`);
    const pairs = [...keys, keys[0] as string].map((name) => Buffer.concat([encode(name), encode(1)]));
    const head = Buffer.from([0x84, 1, 1, 0xf6, 0xb9, count >> 8, count & 255]);
    expect(outcome(() => new FrameReader().read(Buffer.concat([head, ...pairs])))).toBe('key-repeated');
  });

  it('either decodes any bytes or throws a code of the table', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...vectors('device-frames'), ...vectors('broker-frames')),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      )
      .map(([vector, changes]) => {
        const bytes = Uint8Array.from(Buffer.from(vector.hex, 'hex'));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes;
      });
    const anything = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated);
    fc.assert(
      fc.property(anything, (bytes) => {
        outcome(() => new FrameReader().read(bytes));
        outcome(() => decodeItem(bytes));
        outcome(() => parseBrokerFrame(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it('agrees with the schema of telemetry and batch about every frame inside the profile', () => {
    const loose = fc.oneof(
      fc.dictionary(fc.oneof(metric, key), leaf, { maxKeys: 4, noNullPrototype: true }),
      leaf,
    );
    const part = fc.oneof(fc.constant(null), number, fc.string({ maxLength: 3 }));
    const sample = fc.oneof(fc.tuple(part, loose), fc.tuple(part), leaf);
    const telemetry = fc.tuple(fc.constant(1), part, part, loose);
    const batch = fc.tuple(fc.constant(2), part, part, fc.oneof(fc.array(sample, { maxLength: 3 }), leaf));
    fc.assert(
      fc.property(fc.oneof(telemetry, batch), (frame) => {
        const taken = typeof outcome(() => new FrameReader().read(encode(frame))) !== 'string';
        expect(taken).toBe(checkFrame(frame[0] === 1 ? 'telemetry' : 'batch', frame) === null);
      }),
      { numRuns: 2000 },
    );
  });

  it('acknowledges any seq in bytes that decode to it', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (seq) => {
        expect(decodeItem(encodeAck(seq))).toEqual([17, seq]);
      }),
    );
  });
});
