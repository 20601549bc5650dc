import { describe, expect, it } from 'vitest';
import { FrameError } from '../../broker/wire/frame-error.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { HOSTILE_FRAMES, SIZE } from '../helpers/hostile-frames.ts';

function attempt(bytes: Uint8Array): void {
  try {
    new FrameReader().read(bytes);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
  }
}

describe('64 KiB of malice', () => {
  it.each(Object.keys(HOSTILE_FRAMES))('%s: takes a small multiple of its size in memory', (name) => {
    const bytes = HOSTILE_FRAMES[name] as Uint8Array;
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
