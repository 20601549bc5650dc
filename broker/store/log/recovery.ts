/**
 * What is in the log folder at start, and what of it counts. Reads only; `segment-writer.ts` does the cutting.
 *
 * The last segment is walked from its first record. At the first bad one, at position p, there are two cases:
 *  - some later header says that everything before a position above p was already durable when it was written:
 *    then the record at p was whole once and has been damaged. That is corruption, and nothing is touched;
 *  - no such header: the record at p belonged to what was being written when the machine stopped. It was never
 *    acknowledged. The tail is torn (cut short, zeros, or pages missing) and is cut at p.
 * A damaged last record cannot be told from a torn one, unless the database knows that it was durable: `floor`.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../ports.ts';
import {
  decodeHeader,
  HEADER_BYTES,
  isPayloadLength,
  payloadIsWhole,
  segmentBase,
  segmentName,
} from './format.ts';

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
}

/** `floor`: the position below which everything is known to have been durable. Throws `log-corrupt`. */
export function recover(folder: string, floor: number): Recovered {
  const segments = listSegments(folder);
  checkContiguous(folder, segments);
  const last = segments.at(-1);
  if (!last) return { segments, torn: null };
  const file = join(folder, segmentName(last.base));
  const bytes = readWhole(file, last.bytes);
  const offset = findBadRecord(bytes, last.base);
  if (offset !== null && wasDurable(bytes, last.base, offset)) throw corrupt(file, offset);
  const whole = offset ?? bytes.length;
  checkFloor(file, last.base + whole, whole, floor);
  const kept = [...segments.slice(0, -1), { ...last, bytes: whole }];
  return { segments: kept, torn: offset === null ? null : { file, offset, bytes: bytes.length - offset } };
}

export function corrupt(file: string, offset: number, cause?: string): StoreError {
  return new StoreError(
    'log-corrupt',
    `${file} is damaged at offset ${offset}${cause ? `: ${cause}` : ''}. Nothing was changed. ` +
      'Put back a copy of the whole data folder, or move the log folder away to go on without its frames.',
  );
}

function listSegments(folder: string): SegmentFile[] {
  const found: SegmentFile[] = [];
  for (const name of readdirSync(folder).sort()) {
    const base = segmentBase(name);
    if (base === null) continue;
    const { size, mtimeMs } = statSync(join(folder, name));
    found.push({ base, bytes: size, modifiedAt: mtimeMs });
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

function readWhole(path: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const file = openSync(path, 'r');
  try {
    let done = 0;
    while (done < length) {
      const read = readSync(file, bytes, done, length - done, done);
      if (read === 0) throw corrupt(path, done, `it ends there, but is said to hold ${length} bytes`);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(file);
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
