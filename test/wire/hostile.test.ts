import { describe, expect, it } from 'vitest';
import { FrameError } from '../../broker/wire/frame-error.ts';
import { FrameReader } from '../../broker/wire/reader.ts';

const SIZE = 65536;
const HEAD = [0x84, 0x01, 0x01, 0xf6];

/** 64 KiB: a telemetry frame's beginning, then a pattern for ever. */
function filled(pattern: readonly number[], head: readonly number[] = HEAD): Uint8Array {
  return Uint8Array.from(
    { length: SIZE },
    (_, at) => head[at] ?? (pattern[(at - head.length) % pattern.length] as number),
  );
}

/** A map of 256 pairs whose keys share their slot in no way that helps: all different, then one repeated. */
function manyKeys(): Uint8Array {
  const keys = Array.from({ length: 256 }, (_, index) =>
    Buffer.from(`k${String(index % 255).padStart(61, '0')}`),
  );
  const pairs = keys.map((text) => Buffer.concat([Buffer.from([0x78, text.length]), text, Buffer.from([1])]));
  return Buffer.concat([Buffer.from([...HEAD, 0xb9, 0x01, 0x00]), ...pairs]);
}

const HOSTILE: Readonly<Record<string, Uint8Array>> = {
  'arrays in arrays': filled([0x81]),
  'maps in maps': filled([0xa1, 0x61, 0x61]),
  'many small items': filled([0x00], [...HEAD, 0x9a, 0x00, 0x00, 0x04, 0x00]),
  'arrays of 1,024 in an array': filled(
    [0x99, 0x04, 0x00, ...new Array<number>(1024).fill(0)],
    [...HEAD, 0x98, 0x40],
  ),
  'huge declared lengths': filled([0x9b, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  'one key twice among 256': manyKeys(),
  bignums: filled([0xc2, 0x59, 0x40, 0x00]),
  'shared references (tags 28 and 29)': filled([0xd8, 0x1c, 0x81, 0xd8, 0x1d, 0x00]),
  'long texts': filled([0x79, 0x10, 0x00, ...new Array<number>(4096).fill(0x61)], [...HEAD, 0x98, 0x20]),
  'long texts outside ASCII': filled(
    [0x79, 0x10, 0x00, ...new Array<number[]>(2048).fill([0xc3, 0xbc]).flat()],
    [...HEAD, 0x98, 0x20],
  ),
  zeros: new Uint8Array(SIZE),
  ones: new Uint8Array(SIZE).fill(0xff),
};

function attempt(bytes: Uint8Array): void {
  try {
    new FrameReader().read(bytes);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
  }
}

describe('64 KiB of malice', () => {
  it.each(Object.keys(HOSTILE))('%s: costs under 5 ms', (name) => {
    const bytes = HOSTILE[name] as Uint8Array;
    const times = Array.from({ length: 15 }, () => {
      const before = process.hrtime.bigint();
      attempt(bytes);
      return Number(process.hrtime.bigint() - before) / 1e6;
    });
    // The median: a shared machine may take any single run away.
    expect(times.sort((a, b) => a - b)[7]).toBeLessThan(5);
  });

  it.each(Object.keys(HOSTILE))('%s: takes a small multiple of its size in memory', (name) => {
    const bytes = HOSTILE[name] as Uint8Array;
    const before = process.memoryUsage();
    for (let run = 0; run < 10; run += 1) attempt(bytes);
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.external - before.heapUsed - before.external;
    expect(grown).toBeLessThan(10 * 32 * SIZE);
  });

  it('P-2.2: a frame over 64 KiB is refused before it is looked at', () => {
    expect(() => new FrameReader().read(new Uint8Array(SIZE + 1))).toThrow(new FrameError('frame-too-big'));
  });
});
