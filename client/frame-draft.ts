/**
 * Builds and checks frames for the outbox. A reading without a time of its own is dated when it is handed in (P-4.4); the
 * place of the date in the bytes is found again, so that it is corrected at each sending without encoding the frame again.
 */
import { encodeBatch, encodeEvent, encodeTelemetry, type SampleValues } from '../broker/wire/encode.ts';
import type { Value } from '../broker/wire/frames.ts';
import { FrameReader } from '../broker/wire/reader.ts';

export interface FrameDraft {
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** When it was handed in; client's clock, Unix ms. */
  readonly queuedAt: number;
  /** What `bytes` are dated by the client's clock, if that clock dated them; null: the caller did. */
  readonly measuredAt: number | null;
}

/** Unix ms; or below 0: ms ago; or left out: now (P-4.4). */
export interface Timed {
  readonly time?: number | null;
}

export type BatchSamples = readonly (readonly [dt: number, values: SampleValues])[];

type Encode = (time: number | null) => Uint8Array;

/** Not whole and wider than 32 bits, so that CBOR has it as a float of 64 bits, whose place can be overwritten. */
const PLACE = 1e12 + 0.5;
const FLOAT64 = 0xfb;

/** Builds and checks frames of one layout: what a broker would refuse never enters the outbox. */
export class FrameWriter {
  private readonly reader = new FrameReader();

  constructor(fields: readonly string[] | undefined) {
    this.reader.fields = fields ?? null;
  }

  /** These three throw FrameError for values outside the profile or the schema (P-2.2, P-2.4). */
  telemetry(seq: number, now: number, values: SampleValues, { time }: Timed): FrameDraft {
    return this.draft(seq, now, time ?? null, (at) => encodeTelemetry(seq, at, values));
  }

  /** Without a time the batch ends now: its last sample is of this moment. */
  batch(seq: number, now: number, samples: BatchSamples, { time }: Timed): FrameDraft {
    const last = samples.reduce((latest, [dt]) => Math.max(latest, dt), Number.NEGATIVE_INFINITY);
    const measuredAt = now - (samples.length === 0 ? 0 : last);
    return this.draft(seq, now, time ?? null, (at) => encodeBatch(seq, at, samples), measuredAt);
  }

  event(
    seq: number,
    now: number,
    severity: number,
    name: string,
    data: Value | undefined,
    { time }: Timed,
  ): FrameDraft {
    return this.draft(seq, now, time ?? null, (at) => encodeEvent(seq, at, severity, name, data));
  }

  /** `undated`: when it was measured if the caller does not say; ms of the client's clock. */
  private draft(seq: number, now: number, time: number | null, encode: Encode, undated = now): FrameDraft {
    const measuredAt = time === null ? undated : time < 0 ? now + time : null;
    const bytes = encode(measuredAt === null ? time : PLACE);
    this.reader.read(bytes);
    return { seq, bytes, queuedAt: now, measuredAt };
  }
}

/** Dates a draft that its caller left undated; `time` is Unix ms. Others stay as they are. */
export function dateDraft({ bytes, measuredAt }: FrameDraft, time: number): void {
  if (measuredAt === null) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const place = timePlace(view);
  if (view.getUint8(place) !== FLOAT64)
    throw new Error('The time of a frame in the outbox is not where it was put.');
  view.setFloat64(place + 1, time);
}

/** Behind the array's head, the frame number and seq, whose head says how long it is. */
function timePlace(view: DataView): number {
  const info = view.getUint8(2) & 31;
  return 3 + (info < 24 ? 0 : 2 ** (info - 24));
}
