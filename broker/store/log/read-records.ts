/** Reads records back from a segment file, a piece at a time, without blocking the event loop. Every record is checked. */
import { type FileHandle, open } from 'node:fs/promises';
import type { LogRecord } from '../ports.ts';
import { decodeHeader, HEADER_BYTES, payloadIsWhole } from './format.ts';
import { corrupt } from './recovery.ts';

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
export async function readRecords(piece: Piece, maxBytes: number): Promise<LogRecord[]> {
  const file = await open(piece.path, 'r');
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
function parse(piece: Piece, bytes: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  let offset = 0;
  while (offset + HEADER_BYTES <= bytes.length) {
    const position = piece.from + offset;
    const start = offset + HEADER_BYTES;
    const header = checkedHeader(piece, bytes, offset);
    if (start + header.length > bytes.length) break;
    const payload = bytes.subarray(start, start + header.length);
    if (!payloadIsWhole(header, payload)) throw badRecord(piece, position);
    records.push({ position, end: position + HEADER_BYTES + header.length, payload });
    offset = start + header.length;
  }
  return records;
}

/** A record that is larger than what was asked for. */
async function readOne(file: FileHandle, piece: Piece, bytes: Buffer): Promise<LogRecord> {
  const header = checkedHeader(piece, bytes, 0);
  const record = await readAt(file, piece, HEADER_BYTES + header.length);
  const payload = record.subarray(HEADER_BYTES);
  if (!payloadIsWhole(header, payload)) throw badRecord(piece, piece.from);
  return { position: piece.from, end: piece.from + record.length, payload };
}

/** The header at `offset` of the bytes read, if its record lies within what is durable. */
function checkedHeader(piece: Piece, bytes: Buffer, offset: number) {
  const position = piece.from + offset;
  const header = decodeHeader(bytes, offset, position);
  if (!header || position + HEADER_BYTES + header.length > piece.to) throw badRecord(piece, position);
  return header;
}

async function readAt(file: FileHandle, piece: Piece, length: number): Promise<Buffer> {
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
