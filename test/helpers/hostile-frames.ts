/** Frames of 64 KiB made to cost as much as they can; for tests of the decoder and its bench. */

export const SIZE = 65536;
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

export const HOSTILE_FRAMES: Readonly<Record<string, Uint8Array>> = {
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
