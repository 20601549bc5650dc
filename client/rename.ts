/**
 * Frames of an earlier layout under their names: after an update with other `fields`, positions that still wait in the
 * outbox file would mean something else (P-2.4).
 */
import { encodeBatch, encodeTelemetry } from '../broker/wire/encode.ts';
import { FrameError } from '../broker/wire/frame-error.ts';
import { FRAME, type Sample, type ValueMap } from '../broker/wire/frames.ts';
import { FrameReader } from '../broker/wire/reader.ts';

export interface Renamed {
  readonly frames: ReadonlyMap<number, Uint8Array>;
  /** Seqs of frames that are too big with names in them. */
  readonly lost: readonly number[];
}

/** seq → frame, from the fields `before` to the fields `now`; as they were, if those are the same. */
export function renamed(
  frames: ReadonlyMap<number, Uint8Array>,
  before: readonly string[] | null,
  now: readonly string[] | null,
): Renamed {
  if (JSON.stringify(before) === JSON.stringify(now)) return { frames, lost: [] };
  const reader = new FrameReader();
  reader.fields = before;
  const result = new Map<number, Uint8Array>();
  const lost: number[] = [];
  for (const [seq, frame] of frames) {
    const bytes = withNames(frame, reader);
    if (bytes) result.set(seq, bytes);
    else lost.push(seq);
  }
  return { frames: result, lost };
}

/** null if it no longer fits the profile. */
function withNames(bytes: Uint8Array, reader: FrameReader): Uint8Array | null {
  const frame = reader.read(bytes);
  if (frame.kind !== FRAME.telemetry && frame.kind !== FRAME.batch) return bytes;
  const named =
    frame.kind === FRAME.telemetry
      ? encodeTelemetry(frame.seq, frame.time, valueMap(frame))
      : encodeBatch(
          frame.seq,
          frame.time,
          frame.samples.map((sample) => [sample.dt, valueMap(sample)] as const),
        );
  return fits(named) ? named : null;
}

function fits(bytes: Uint8Array): boolean {
  try {
    new FrameReader().read(bytes);
    return true;
  } catch (error) {
    if (error instanceof FrameError) return false;
    throw error;
  }
}

function valueMap({ names, values }: Sample): ValueMap {
  return Object.fromEntries(values.map((value, index) => [names[index], value]));
}
