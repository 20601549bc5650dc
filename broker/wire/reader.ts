/**
 * Reads a device's bytes as a frame (P-2). The frames that come by the thousand (telemetry, batch) pass strict profile and
 * schema in one go; the rare ones (hello, event, result, reported) are decoded, checked by schema and then named. Owns the
 * layouts of one sender: there is a reader for each session, and for each source of the log. Throws FrameError: for what
 * is outside the profile first, then for what breaks the schema (P-2.3).
 */
import type { ErrorCode } from '../../schemas/errors.ts';
import { COMMAND_ID_BYTES } from '../../schemas/frames.ts';
import { checkFrame } from './check.ts';
import type { HelloFields } from './encode.ts';
import { FrameError } from './frame-error.ts';
import {
  type BatchFrame,
  type BatchSample,
  type Boot,
  type DeviceFrame,
  type EventFrame,
  FRAME,
  type HelloFrame,
  type ReportedFrame,
  type ResultFrame,
  type TelemetryFrame,
  type Value,
  type ValueMap,
} from './frames.ts';
import { ItemReader, MAJOR } from './item-reader.ts';
import { SampleReader } from './sample-reader.ts';

// One for all: reading is synchronous and holds nothing between frames.
const items = new ItemReader();

export class FrameReader {
  private readonly samples = new SampleReader(items);
  private readonly leastSeq: 0 | 1;

  /** `leastSeq` 0: for frames of the log, since older ones hold seq 0 (docs/decisions/0002-seq-zero.md). */
  constructor(leastSeq: 0 | 1 = 1) {
    this.leastSeq = leastSeq;
  }

  /** What positional values mean, from hello (P-2.4). */
  get fields(): readonly string[] | null {
    return this.samples.fields;
  }

  set fields(fields: readonly string[] | null) {
    this.samples.fields = fields;
  }

  /**
   * What the frame that was read last costs (P-2.2), up to where it was refused if it was. The name of a metric costs a scalar
   * while a device keeps to its layout.
   */
  get cost(): number {
    return items.cost;
  }

  /** Reads one message. What it returns holds no reference to `bytes`. */
  read(bytes: Uint8Array): DeviceFrame {
    items.begin(bytes);
    if (items.peek() !== MAJOR.array) return refuseItem();
    const length = items.openArray(1);
    if (length === 0) throw new FrameError('not-an-array');
    const kind = items.item(2);
    if (kind === FRAME.telemetry) return this.telemetry(length);
    if (kind === FRAME.batch) return this.batch(length);
    const parts: Value[] = [kind];
    while (parts.length < length) parts.push(items.item(2));
    items.finish();
    return parseRareFrame(parts, this.leastSeq);
  }

  private telemetry(length: number): TelemetryFrame {
    const { samples } = this;
    samples.fault = null;
    if (length < 4) return this.tooShort(length, 'bad-telemetry', 'telemetry is [1, seq, time, values].');
    const seq = this.seq();
    const time = this.time();
    const values = samples.read(2);
    const { names } = samples;
    this.finish(length - 4, seq);
    return { kind: FRAME.telemetry, seq, time, names, values };
  }

  private batch(length: number): BatchFrame {
    this.samples.fault = null;
    if (length < 4)
      return this.tooShort(length, 'bad-batch', 'batch is [2, seq, time, [[dt, values], ...]].');
    const seq = this.seq();
    const time = this.time();
    const samples = this.batchSamples();
    this.finish(length - 4, seq);
    return { kind: FRAME.batch, seq, time, samples };
  }

  private batchSamples(): BatchSample[] {
    const all: BatchSample[] = [];
    if (items.peek() !== MAJOR.array) {
      items.item(2);
      this.samples.note('bad-batch', 'The fourth element of a batch is an array of [dt, values].');
      return all;
    }
    const length = items.openArray(2);
    for (let index = 0; index < length; index += 1) this.batchSample(all);
    return all;
  }

  private batchSample(all: BatchSample[]): void {
    const { samples } = this;
    const length = items.peek() === MAJOR.array ? items.openArray(3) : -1;
    if (length < 2) {
      samples.note('bad-batch', 'Each sample of a batch is [dt, values].');
      if (length === -1) items.item(3);
      else if (length === 1) items.item(4);
      return;
    }
    const dt = items.item(4);
    if (typeof dt !== 'number') samples.note('bad-batch', 'dt is a number of milliseconds.');
    const values = samples.read(4);
    for (let extra = 2; extra < length; extra += 1) items.item(4);
    all.push({ dt: dt as number, names: samples.names, values });
  }

  private seq(): number | null {
    const seq = items.item(2);
    if (seq === null || isSeq(seq, this.leastSeq)) return seq;
    this.samples.note('bad-seq');
    return isSeq(seq, 0) ? seq : null;
  }

  private time(): number | null {
    const time = items.item(2);
    if (time === null || typeof time === 'number') return time;
    this.samples.note('bad-time');
    return null;
  }

  /** Reads what a later version may have added (P-2.1), the end, and only then complains about the schema. */
  private finish(extra: number, seq: number | null): void {
    for (let index = 0; index < extra; index += 1) items.item(2);
    items.finish();
    const { fault, faultDetail } = this.samples;
    if (fault !== null) throw new FrameError(fault, faultDetail, seq);
  }

  private tooShort(length: number, code: ErrorCode, layout: string): never {
    const seq = length > 1 ? this.seq() : null;
    for (let index = 2; index < length; index += 1) items.item(2);
    items.finish();
    throw new FrameError(code, layout, seq);
  }
}

/** An item that is no frame: outside the profile for its own reason, or for not being an array. */
function refuseItem(): never {
  items.item(1);
  items.finish();
  throw new FrameError('not-an-array');
}

/** One item of the profile and nothing after it. Throws FrameError. */
export function decodeItem(bytes: Uint8Array): Value {
  items.begin(bytes);
  const value = items.item(1);
  items.finish();
  return value;
}

/** The elements of a rare frame, decoded. */
type Parts = readonly Value[];

/**
 * `parts` is the whole frame, its number first; `leastSeq` as of `FrameReader`. Throws FrameError for what breaks the
 * schema (P-2.3).
 */
function parseRareFrame(parts: Parts, leastSeq: number): DeviceFrame {
  switch (parts[0]) {
    case FRAME.hello:
      return hello(checked(parts, 'hello', 'bad-hello'));
    case FRAME.event:
      return event(parts, leastSeq);
    case FRAME.result:
      return result(checked(parts, 'result', 'bad-result'));
    case FRAME.reported:
      return reported(checked(parts, 'reported', 'bad-reported'));
    default:
      throw new FrameError('unknown-frame');
  }
}

function checked(parts: Parts, name: 'hello' | 'event' | 'result' | 'reported', code: ErrorCode): Parts {
  const fault = checkFrame(name, parts);
  if (fault === null) return parts;
  const seq = name === 'event' && isSeq(parts[1], 0) ? parts[1] : null;
  const id = name === 'result' && isCommandId(parts[1]) ? parts[1] : null;
  throw new FrameError(code, `The frame breaks its schema: ${fault}.`, seq, id);
}

/** P-4.1, `null` aside. */
function isSeq(value: Value | undefined, least: number): value is number {
  return typeof value === 'number' && value >= least && Number.isSafeInteger(value);
}

function isCommandId(value: Value | undefined): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= COMMAND_ID_BYTES;
}

function hello(parts: Parts): HelloFrame {
  const options = parts[1] as HelloFields;
  return {
    kind: FRAME.hello,
    boot: options.boot === undefined ? null : bootName(options.boot),
    fields: options.fields ?? null,
    model: options.model ?? null,
    firmware: options.firmware ?? null,
    ackWithin: options.ackWithin ?? null,
    maxFrame: options.maxFrame ?? null,
    meta: options.meta ?? null,
  };
}

function bootName(boot: number | Uint8Array): Boot {
  return typeof boot === 'number'
    ? `u${boot}`
    : `b${Array.from(boot, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function event(parts: Parts, leastSeq: number): EventFrame {
  const [kind, seq, ...rest] = parts;
  if (seq === 0 && leastSeq > 0) throw new FrameError('bad-seq', undefined, 0);
  checked(seq === 0 ? [kind as Value, null, ...rest] : parts, 'event', 'bad-event');
  return {
    kind: FRAME.event,
    seq: seq as number | null,
    time: parts[2] as number | null,
    severity: parts[3] as number,
    name: parts[4] as string,
    data: parts[5] ?? null,
  };
}

function result(parts: Parts): ResultFrame {
  return { kind: FRAME.result, id: parts[1] as string, status: parts[2] as number, data: parts[3] ?? null };
}

function reported(parts: Parts): ReportedFrame {
  return { kind: FRAME.reported, version: parts[1] as number, values: parts[2] as ValueMap };
}
