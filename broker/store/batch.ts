/**
 * What a record of the log holds: frames with where each came from and when, and what became of sessions. Writes
 * format 2, reads format 1 too; docs/decisions/0028-records-name-sources.md says why.
 *
 * A payload is a head and entries, one after another. Numbers of the head are little-endian; V is an unsigned LEB128 number.
 *   head: u8 = 0xf2, u32 sources that stand before it, u32 sources that stand in it, f64 base time (Unix ms)
 *   1 source:  u8 = 1, V length, CBOR {customer, device, session, boot, fields}
 *   2 frame:   u8 = 2, V source, V time, V length, the frame's bytes as they came
 *   3 session: u8 = 3, V source, V time, V length, CBOR of what became of it
 * A source is written once and has the number of sources before it, across records, until a record says that none stands
 * before it: then they are numbered anew. A segment always begins so. A time is a difference to the base, zigzag: 0, -1, 1, -2 …
 *
 * Format 1 has no head, and a record of it stands alone: its sources are counted from 0.
 *   1 source: u8 = 1, u32 length, CBOR      2 frame: u8 = 2, u32 source, f64 arrival, u32 length, bytes
 */
import { decode, encode } from '../wire/cbor.ts';

const SOURCE = 1;
const FRAME = 2;
const SESSION = 3;
/** No entry of format 1 begins with it. */
const FORMAT_2 = 0xf2;
const HEAD_BYTES = 1 + 4 + 4 + 8;
/** What an entry has at most before its bytes. */
const ENTRY_HEAD_BYTES = 1 + 5 + 8 + 5;
/** Of a record with its header (log/format.ts): a batch that is larger becomes several. */
const RECORD_BYTES = 512 * 1024 - 16;
/** Of a source table, encoded: it is in memory while it is in use. */
const MAX_TABLE_BYTES = 8 * 1024 * 1024;

/** Where frames come from: one session of one device, in one layout of its fields. */
export interface Source {
  readonly customer: string;
  readonly device: string;
  readonly session: string;
  readonly boot: string | null;
  readonly fields: readonly string[] | null;
}

/** The sources that records name by their index, at least those that they name; more are added at its end. */
export type SourceTable = readonly Source[];

/** A source ready to be written into any number of batches; make a new one when boot or fields change. */
export class SourceHandle {
  readonly source: Source;
  readonly encoded: Uint8Array;
  /** Stands for the last table that holds this source, with its index there. Owned by BatchBuilder. */
  table: object | null = null;
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
  /** Unix ms. */
  readonly arrival: number;
  readonly frame: Uint8Array;
}

export interface SessionEntry {
  readonly kind: 'session';
  readonly source: Source;
  /** Unix ms. */
  readonly at: number;
  readonly event: SessionEvent;
}

export type BatchEntry = FrameEntry | SessionEntry;

/** What holds entries: a record of the log. */
export interface EntryRecord {
  readonly payload: Uint8Array;
  readonly sources: SourceTable;
}

/** Fills one batch after another; `take` hands one out and starts the next. Owns the table of the sources it has written. */
export class BatchBuilder {
  private buffer: Buffer<ArrayBuffer>;
  /** Of the open record: its end, its entries, the base of its times, and how many sources stand before it. */
  private length = HEAD_BYTES;
  private recordEntries = 0;
  private base = 0;
  private sourcesBefore = 0;
  private full: Uint8Array<ArrayBuffer>[] = [];
  private fullBytes = 0;
  private table: Source[] = [];
  private tableBytes = 0;
  /** Stands for the table: an idle source would keep a whole table of before in memory. */
  private tableMark: object = {};
  private anew: 'yes' | 'no' = 'no';
  /** Of the open batch, sources apart. */
  entries = 0;

  constructor(initialBytes = 64 * 1024) {
    this.buffer = allocate(initialBytes);
  }

  /** Of the open batch. */
  get bytes(): number {
    return this.fullBytes + this.length - HEAD_BYTES;
  }

  /** What the records of the open batch name, and those that were taken last until another begins. */
  get sources(): SourceTable {
    return this.table;
  }

  /** `arrival`: whole ms. `frame` is copied. */
  add(source: SourceHandle, arrival: number, frame: Uint8Array): void {
    this.addEntry(FRAME, source, arrival, frame);
  }

  addSession(source: SourceHandle, at: number, event: SessionEvent): void {
    this.addEntry(SESSION, source, at, encode(event));
  }

  /** The next batch that begins names no source of before. */
  beginSources(): void {
    this.anew = 'yes';
  }

  /** The payloads of the records so far, and a fresh start; none if nothing was added. The taker owns their memory. */
  take(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.recordEntries > 0) this.closeRecord(this.length * 1.25);
    const records = this.full;
    this.full = [];
    this.fullBytes = 0;
    this.entries = 0;
    if (this.tableBytes > MAX_TABLE_BYTES) this.beginSources();
    return records;
  }

  private beginTable(): void {
    this.anew = 'no';
    this.table = [];
    this.tableBytes = 0;
    this.tableMark = {};
    this.sourcesBefore = 0;
  }

  private addEntry(kind: number, source: SourceHandle, time: number, bytes: Uint8Array): void {
    if (this.entries === 0 && this.anew === 'yes') this.beginTable();
    if (source.table !== this.tableMark) this.addSource(source);
    this.reserve(ENTRY_HEAD_BYTES + bytes.length);
    if (this.recordEntries === 0) this.base = time;
    const { buffer } = this;
    const difference = time - this.base;
    let at = this.length;
    buffer[at] = kind;
    at = writeNumber(buffer, source.index, at + 1);
    at = writeNumber(buffer, difference >= 0 ? difference * 2 : difference * -2 - 1, at);
    at = writeNumber(buffer, bytes.length, at);
    buffer.set(bytes, at);
    this.length = at + bytes.length;
    this.recordEntries += 1;
    this.entries += 1;
  }

  private addSource(source: SourceHandle): void {
    const { encoded } = source;
    this.reserve(ENTRY_HEAD_BYTES + encoded.length);
    this.buffer[this.length] = SOURCE;
    const at = writeNumber(this.buffer, encoded.length, this.length + 1);
    this.buffer.set(encoded, at);
    this.length = at + encoded.length;
    source.table = this.tableMark;
    source.index = this.table.push(source.source) - 1;
    this.tableBytes += encoded.length;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    if (needed > RECORD_BYTES && this.length > HEAD_BYTES) {
      this.closeRecord(RECORD_BYTES);
      this.reserve(bytes);
      return;
    }
    const grown = allocate(Math.max(Math.min(this.buffer.length * 2, RECORD_BYTES), needed));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  /** `bytes`: what the next record may need. */
  private closeRecord(bytes: number): void {
    const { buffer, length, sourcesBefore, table } = this;
    buffer[0] = FORMAT_2;
    buffer.writeUInt32LE(sourcesBefore, 1);
    buffer.writeUInt32LE(table.length - sourcesBefore, 5);
    buffer.writeDoubleLE(this.base, 9);
    this.full.push(new Uint8Array(buffer.buffer, 0, length));
    this.fullBytes += length;
    this.buffer = allocate(Math.min(RECORD_BYTES, Math.max(64 * 1024, Math.ceil(bytes))));
    this.length = HEAD_BYTES;
    this.recordEntries = 0;
    this.sourcesBefore = table.length;
  }
}

/** Whether a record's sources are numbered anew; false also for what is not of format 2. */
export function beginsSources(payload: Uint8Array): boolean {
  return isFormat2(payload) && viewOf(payload).readUInt32LE(1) === 0;
}

/** Whether a record may name sources that stand in records before it. */
export function namesEarlierSources(payload: Uint8Array): boolean {
  return isFormat2(payload) && viewOf(payload).readUInt32LE(1) > 0;
}

/** Whether it can be a record of format 1, which a broker of before wrote. */
export function isFormat1(payload: Uint8Array): boolean {
  return payload[0] === SOURCE || payload[0] === FRAME;
}

/** The sources that stand in a record, and how many stand before them; null if it is not of format 2. Throws as `readBatch`. */
export function sourcesIn(
  payload: Uint8Array,
): { readonly before: number; readonly sources: Source[]; readonly bytes: number } | null {
  if (!isFormat2(payload)) return null;
  const input = new PayloadReader(payload, HEAD_BYTES);
  const before = input.view.readUInt32LE(1);
  const count = input.view.readUInt32LE(5);
  const sources: Source[] = [];
  let bytes = 0;
  while (sources.length < count) {
    const kind = input.kind();
    if (kind !== SOURCE) {
      input.number();
      input.number();
    }
    const body = input.bytes();
    if (kind !== SOURCE) continue;
    sources.push(decode(body) as Source);
    bytes += body.length;
  }
  return { before, sources, bytes };
}

/** The entries of one record, in order. Throws RangeError on bytes that no builder wrote. */
export function* readBatch({ payload, sources }: EntryRecord): Generator<BatchEntry> {
  if (!isFormat2(payload)) {
    yield* readFormat1(payload);
    return;
  }
  const input = new PayloadReader(payload, HEAD_BYTES);
  const base = input.view.readDoubleLE(9);
  while (input.at < input.view.length) {
    const start = input.at;
    const kind = input.kind();
    if (kind === SOURCE) {
      input.bytes();
      continue;
    }
    const source = sources[input.number()];
    if (!source) throw new RangeError(`entry at ${start} names an unknown source`);
    const zigzag = input.number();
    const time = base + (zigzag % 2 === 0 ? zigzag / 2 : (zigzag + 1) / -2);
    const bytes = input.bytes();
    if (kind === FRAME) yield { kind: 'frame', source, arrival: time, frame: bytes };
    else yield { kind: 'session', source, at: time, event: decode(bytes) as SessionEvent };
  }
}

function* readFormat1(payload: Uint8Array): Generator<BatchEntry> {
  const view = viewOf(payload);
  const sources: Source[] = [];
  let at = 0;
  while (at < view.length) {
    const kind = view[at];
    if (kind === SOURCE) {
      const length = view.readUInt32LE(at + 1);
      sources.push(decode(slice(view, at + 5, length)) as Source);
      at += 5 + length;
    } else if (kind === FRAME) {
      const source = sources[view.readUInt32LE(at + 1)];
      if (!source) throw new RangeError(`entry at ${at} names an unknown source`);
      const length = view.readUInt32LE(at + 13);
      yield {
        kind: 'frame',
        source,
        arrival: view.readDoubleLE(at + 5),
        frame: slice(view, at + 17, length),
      };
      at += 17 + length;
    } else throw new RangeError(`unknown entry ${kind} at ${at}`);
  }
}

class PayloadReader {
  readonly view: Buffer;
  at: number;

  constructor(payload: Uint8Array, at: number) {
    this.view = viewOf(payload);
    this.at = at;
  }

  /** Of an entry that this version knows. */
  kind(): number {
    const kind = this.byte();
    if (kind === SOURCE || kind === FRAME || kind === SESSION) return kind;
    throw new RangeError(`unknown entry ${kind} at ${this.at - 1}: a newer version may have written it`);
  }

  number(): number {
    let byte = this.byte();
    let value = byte & 0x7f;
    for (let factor = 128; byte >= 128; factor *= 128) {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (value > Number.MAX_SAFE_INTEGER * 2)
        throw new RangeError(`the number before ${this.at} has no end`);
    }
    return value;
  }

  /** A length and so many bytes. */
  bytes(): Uint8Array {
    const length = this.number();
    this.at += length;
    return slice(this.view, this.at - length, length);
  }

  private byte(): number {
    const byte = this.view[this.at];
    if (byte === undefined) throw new RangeError(`entry at ${this.at} runs past the end of its batch`);
    this.at += 1;
    return byte;
  }
}

function writeNumber(buffer: Buffer, value: number, at: number): number {
  let rest = value;
  let next = at;
  while (rest >= 128) {
    buffer[next] = (rest % 128) | 128;
    next += 1;
    rest = Math.floor(rest / 128);
  }
  buffer[next] = rest;
  return next + 1;
}

function isFormat2(payload: Uint8Array): boolean {
  return payload[0] === FORMAT_2 && payload.length > HEAD_BYTES;
}

function viewOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

function slice(view: Buffer, at: number, length: number): Uint8Array {
  if (at + length > view.length) throw new RangeError(`entry at ${at} runs past the end of its batch`);
  return view.subarray(at, at + length);
}

/** Its own ArrayBuffer, never a slice of Node's pool: it will be transferred to the writer thread. */
function allocate(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(bytes));
}
