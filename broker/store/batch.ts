/**
 * One commit's payload: the frames of a batch with where each came from and when. Self-contained, so that a reader
 * may start at any record.
 *
 * Layout: entries, one after another.
 *   1 source: u8 = 1, u32 length, CBOR {customer, device, session, boot, fields}; its index is the count so far
 *   2 frame:  u8 = 2, u32 source index, f64 arrival (Unix ms), u32 length, the frame's bytes as they came
 *   3 session: as a frame, with the CBOR of what became of the session
 * Numbers are little-endian.
 */
import { decode, encode } from '../wire/cbor.ts';

const SOURCE = 1;
const FRAME = 2;
const SESSION = 3;
const FRAME_HEADER = 1 + 4 + 8 + 4;

/** Where frames come from: one session of one device, in one layout of its fields. */
export interface Source {
  readonly customer: string;
  readonly device: string;
  readonly session: string;
  readonly boot: string | null;
  readonly fields: readonly string[] | null;
}

/** A source ready to be written into any number of batches; make a new one when boot or fields change. */
export class SourceHandle {
  readonly source: Source;
  readonly encoded: Uint8Array;
  /** The last batch that holds this source, and its index there. Owned by BatchBuilder. */
  batch = -1;
  index = -1;

  constructor(source: Source) {
    this.source = source;
    this.encoded = encode(source);
  }
}

/** What became of a session. `ended`: why, and what the device said of its sleep (P-7.5). */
export type SessionEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'ready' }
  | { readonly type: 'ended'; readonly reason: string; readonly sleep: SessionSleep | null };

/** Unix ms. */
export interface SessionSleep {
  /** null: it did not say until when. */
  readonly until: number | null;
  /** From when on it is missed. */
  readonly overdueAt: number | null;
}

export interface FrameEntry {
  readonly kind: 'frame';
  readonly source: Source;
  /** Unix milliseconds. */
  readonly arrival: number;
  readonly frame: Uint8Array;
}

export interface SessionEntry {
  readonly kind: 'session';
  readonly source: Source;
  /** Unix milliseconds. */
  readonly at: number;
  readonly event: SessionEvent;
}

export type BatchEntry = FrameEntry | SessionEntry;

/** Fills one payload after another; `take` hands one out and starts the next. */
export class BatchBuilder {
  private buffer: Buffer<ArrayBuffer>;
  private length = 0;
  private sources = 0;
  private batch = 0;
  /** Entries of any kind, sources apart. */
  entries = 0;

  constructor(initialBytes = 64 * 1024) {
    this.buffer = allocate(initialBytes);
  }

  get bytes(): number {
    return this.length;
  }

  add(source: SourceHandle, arrival: number, frame: Uint8Array): void {
    this.addEntry(FRAME, source, arrival, frame);
  }

  addSession(source: SourceHandle, at: number, event: SessionEvent): void {
    this.addEntry(SESSION, source, at, encode(event));
  }

  private addEntry(kind: number, source: SourceHandle, arrival: number, frame: Uint8Array): void {
    if (source.batch !== this.batch) this.addSource(source);
    this.reserve(FRAME_HEADER + frame.length);
    const { buffer } = this;
    let at = this.length;
    buffer[at] = kind;
    at = buffer.writeUInt32LE(source.index, at + 1);
    at = buffer.writeDoubleLE(arrival, at);
    at = buffer.writeUInt32LE(frame.length, at);
    buffer.set(frame, at);
    this.length = at + frame.length;
    this.entries += 1;
  }

  /** The payload so far, and a fresh start. The caller owns the memory. */
  take(): Uint8Array<ArrayBuffer> {
    const payload = new Uint8Array(this.buffer.buffer, 0, this.length);
    this.buffer = allocate(Math.max(64 * 1024, Math.ceil(this.length * 1.25)));
    this.length = 0;
    this.sources = 0;
    this.entries = 0;
    this.batch += 1;
    return payload;
  }

  private addSource(source: SourceHandle): void {
    const { encoded } = source;
    this.reserve(5 + encoded.length);
    this.buffer[this.length] = SOURCE;
    const at = this.buffer.writeUInt32LE(encoded.length, this.length + 1);
    this.buffer.set(encoded, at);
    this.length = at + encoded.length;
    source.batch = this.batch;
    source.index = this.sources;
    this.sources += 1;
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = allocate(Math.max(this.buffer.length * 2, this.length + bytes));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }
}

/** What holds entries: a record of the log. */
export interface EntryRecord {
  readonly payload: Uint8Array;
}

/** The entries of one record, in order. Throws RangeError on bytes that no builder wrote. */
export function* readBatch({ payload }: EntryRecord): Generator<BatchEntry> {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const sources: Source[] = [];
  let at = 0;
  while (at < view.length) {
    const kind = view[at];
    if (kind === SOURCE) {
      const length = view.readUInt32LE(at + 1);
      sources.push(decode(slice(view, at + 5, length)) as Source);
      at += 5 + length;
    } else if (kind === FRAME || kind === SESSION) {
      const source = sources[view.readUInt32LE(at + 1)];
      if (!source) throw new RangeError(`entry at ${at} names an unknown source`);
      const arrival = view.readDoubleLE(at + 5);
      const length = view.readUInt32LE(at + 13);
      const bytes = slice(view, at + FRAME_HEADER, length);
      if (kind === FRAME) yield { kind: 'frame', source, arrival, frame: bytes };
      else yield { kind: 'session', source, at: arrival, event: decode(bytes) as SessionEvent };
      at += FRAME_HEADER + length;
    } else throw new RangeError(`unknown entry ${kind} at ${at}`);
  }
}

function slice(view: Buffer, at: number, length: number): Uint8Array {
  if (at + length > view.length) throw new RangeError(`entry at ${at} runs past the end of its batch`);
  return view.subarray(at, at + length);
}

/** Its own ArrayBuffer, never a slice of Node's pool: it will be transferred to the writer thread. */
function allocate(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(bytes));
}
