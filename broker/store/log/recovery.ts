/**
 * Reads segment files, and changes nothing. `recover` lists the segments at start and decides what of the last one counts
 * (`segment-writer.ts` cuts the rest). `readRecords` reads records back later, a piece at a time, without blocking the
 * event loop, and checks every one.
 */
import { join } from 'node:path';
import { isFormat1 } from '../batch.ts';
import { type StoredRecord, StoreError } from '../ports.ts';
import { positionOf } from '../position.ts';
import { type OpenedSegment, REAL_FILES, type SegmentFiles, type SegmentReads } from './files.ts';
import {
  decodeHeader,
  HEADER_BYTES,
  isPayloadLength,
  payloadIsWhole,
  segmentBase,
  segmentName,
} from './format.ts';

const PIECE_BYTES = 1024 * 1024;

export interface Piece {
  readonly path: string;
  /** Position of the file's first byte. */
  readonly base: number;
  /** Where to begin: a record's position. */
  readonly from: number;
  /** Where what is durable of this file ends; above `from`. */
  readonly to: number;
}

/**
 * The records from `from` on, at least one, of about `maxBytes` (and never more than about 1 MiB, so that checking
 * them is short). Rejects with `log-corrupt` on a bad record; with ENOENT if retention has removed the file.
 */
export async function readRecords(
  files: Pick<SegmentReads, 'openToRead'>,
  piece: Piece,
  maxBytes: number,
): Promise<StoredRecord[]> {
  const file = await files.openToRead(piece.path);
  try {
    const wanted = Math.min(Math.max(maxBytes, HEADER_BYTES), PIECE_BYTES, piece.to - piece.from);
    const bytes = await readAt(file, piece, wanted);
    const records = parse(piece, bytes);
    return records.length > 0 ? records : [await readOne(file, piece, bytes)];
  } finally {
    await file.close();
  }
}

/** The whole records in `bytes`. */
function parse(piece: Piece, bytes: Buffer): StoredRecord[] {
  const records: StoredRecord[] = [];
  let offset = 0;
  while (offset + HEADER_BYTES <= bytes.length) {
    const position = piece.from + offset;
    const start = offset + HEADER_BYTES;
    const header = checkedHeader(piece, bytes, offset);
    if (start + header.length > bytes.length) break;
    const payload = bytes.subarray(start, start + header.length);
    if (!payloadIsWhole(header, payload)) throw badRecord(piece, position);
    records.push(storedRecord(position, payload));
    offset = start + header.length;
  }
  return records;
}

function storedRecord(at: number, payload: Uint8Array): StoredRecord {
  return { position: positionOf(at), end: positionOf(at + HEADER_BYTES + payload.length), payload };
}

/** A record that is larger than what was asked for. */
async function readOne(file: OpenedSegment, piece: Piece, bytes: Buffer): Promise<StoredRecord> {
  const header = checkedHeader(piece, bytes, 0);
  const record = await readAt(file, piece, HEADER_BYTES + header.length);
  const payload = record.subarray(HEADER_BYTES);
  if (!payloadIsWhole(header, payload)) throw badRecord(piece, piece.from);
  return storedRecord(piece.from, payload);
}

/** The header at `offset` of the bytes read, if its record lies within what is durable. */
function checkedHeader(piece: Piece, bytes: Buffer, offset: number) {
  const position = piece.from + offset;
  const header = decodeHeader(bytes, offset, position);
  if (!header || position + HEADER_BYTES + header.length > piece.to) throw badRecord(piece, position);
  return header;
}

async function readAt(file: OpenedSegment, piece: Piece, length: number): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, piece.from - piece.base + done);
    if (bytesRead === 0) throw badRecord(piece, piece.from + done);
    done += bytesRead;
  }
  return bytes;
}

function badRecord(piece: Piece, position: number) {
  return corrupt(piece.path, position - piece.base);
}

export interface SegmentFile {
  readonly base: number;
  readonly bytes: number;
  /** When it was last written, Unix ms. */
  readonly modifiedAt: number;
}

export interface Recovered {
  /** In order, without a gap; empty if there was no log. */
  readonly segments: readonly SegmentFile[];
  /** What has to be cut off the last segment; null if it is whole. */
  readonly torn: { readonly file: string; readonly offset: number; readonly bytes: number } | null;
  /** The last segment begins with a record of format 1 (store/batch.ts). */
  readonly isFormat1: boolean;
}

/**
 * Walks the last segment from its first record. At the first bad one, at position p, there are two cases:
 *  - some later header says that everything before a position above p was already durable when it was written: the record
 *    at p was whole once and has been damaged. That is corruption, and throws `log-corrupt`;
 *  - no such header: the record at p belonged to what was being written when the machine stopped, and was never
 *    acknowledged. The tail is torn (cut short, zeros, or pages missing) and is to be cut at p.
 * A damaged last record cannot be told from a torn one, unless it lies below `floor`, the position below which the database
 * knows everything to have been durable.
 */
export function recover(folder: string, floor: number, files: SegmentFiles = REAL_FILES): Recovered {
  const segments = listSegments(folder, files);
  checkContiguous(folder, segments);
  const last = segments.at(-1);
  if (!last) return { segments, torn: null, isFormat1: false };
  const file = join(folder, segmentName(last.base));
  const bytes = readWhole(file, last.bytes, files);
  const offset = findBadRecord(bytes, last.base);
  if (offset !== null && wasDurable(bytes, last.base, offset)) throw corrupt(file, offset);
  const whole = offset ?? bytes.length;
  checkFloor(file, last.base + whole, whole, floor);
  const kept = [...segments.slice(0, -1), { ...last, bytes: whole }];
  const torn = offset === null ? null : { file, offset, bytes: bytes.length - offset };
  return { segments: kept, torn, isFormat1: whole > 0 && isFormat1(bytes.subarray(HEADER_BYTES)) };
}

export function corrupt(file: string, offset: number, cause?: string): StoreError {
  return new StoreError(
    'log-corrupt',
    `${file} is damaged at offset ${offset}${cause ? `: ${cause}` : ''}. Nothing was changed. ` +
      'Put back a copy of the whole data folder, or move the log folder away to go on without its frames.',
  );
}

function listSegments(folder: string, files: SegmentFiles): SegmentFile[] {
  const found: SegmentFile[] = [];
  for (const { name, bytes, modifiedAt } of files.list(folder)) {
    const base = segmentBase(name);
    if (base !== null) found.push({ base, bytes, modifiedAt });
  }
  return found;
}

function checkContiguous(folder: string, segments: readonly SegmentFile[]): void {
  segments.forEach((segment, index) => {
    const next = segments[index + 1];
    if (!next || segment.base + segment.bytes === next.base) return;
    const file = join(folder, segmentName(segment.base));
    throw corrupt(file, segment.bytes, `it ends there, but the next segment is ${segmentName(next.base)}`);
  });
}

function checkFloor(file: string, end: number, offset: number, floor: number): void {
  if (end >= floor) return;
  throw corrupt(
    file,
    offset,
    `the log ends there, at position ${end}, but the database stands for frames up to ${floor}`,
  );
}

function readWhole(path: string, length: number, files: SegmentFiles): Buffer {
  const bytes = Buffer.alloc(length);
  const file = files.open(path, 'r');
  try {
    let done = 0;
    while (done < length) {
      const read = files.read(file, bytes, done, length - done, done);
      if (read === 0) throw corrupt(path, done, `it ends there, but is said to hold ${length} bytes`);
      done += read;
    }
    return bytes;
  } finally {
    files.close(file);
  }
}

/** Offset of the first record that is not whole; null if the file ends with a whole one. */
function findBadRecord(bytes: Buffer, base: number): number | null {
  let offset = 0;
  while (offset < bytes.length) {
    const header = decodeHeader(bytes, offset, base + offset);
    const start = offset + HEADER_BYTES;
    if (!header || !payloadIsWhole(header, bytes.subarray(start, start + header.length))) return offset;
    offset = start + header.length;
  }
  return null;
}

/** Whether a header after the bad record says that the record was durable when that header was written. */
function wasDurable(bytes: Buffer, base: number, bad: number): boolean {
  const header = decodeHeader(bytes, bad, base + bad);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let offset = header ? bad + HEADER_BYTES + header.length : bad + 1;
  for (; offset + HEADER_BYTES <= bytes.length; offset += 1) {
    // Two cheap looks first, at length and unsynced: this may run over the whole segment, byte by byte.
    if (!isPayloadLength(view.getUint32(offset, true))) continue;
    if (view.getUint32(offset + 4, true) >= offset - bad) continue;
    if (decodeHeader(bytes, offset, base + offset)) return true;
  }
  return false;
}
