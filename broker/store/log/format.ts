/**
 * How records lie in segment files, and what the files are called. Pure; docs/decisions/0004-log-format.md says why.
 *
 * A segment is named by the position of its first byte, 16 decimal digits and `.log`, and holds nothing but records.
 * So position = the number in the name + the offset in the file, in one count over the life of the log.
 *
 * A record is a header of 16 bytes and the payload. Numbers are u32, little-endian:
 *    0 length of the payload, at least 1
 *    4 unsynced: bytes between the end of what was durable when the record was written, and its position
 *    8 CRC-32 of the payload
 *   12 CRC-32 of the record's position (f64) and the 12 bytes before
 */
import { crc32 } from 'node:zlib';

export const HEADER_BYTES = 16;
/** Four times the batch at which sockets are no longer read, by default. */
export const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

export interface RecordHeader {
  readonly length: number;
  readonly unsynced: number;
  readonly payloadCrc: number;
}

const POSITION_BYTES = 8;
const SEGMENT_NAME = /^(\d{16})\.log$/;
/** Position and header side by side, so that one call sums both. */
const scratch = Buffer.alloc(POSITION_BYTES + HEADER_BYTES);

export function segmentName(base: number): string {
  return `${String(base).padStart(16, '0')}.log`;
}

/** The base of a segment file's name; null if it is not one. */
export function segmentBase(name: string): number | null {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

export function encodeHeader(position: number, unsynced: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(unsynced, 4);
  header.writeUInt32LE(crc32(payload), 8);
  header.writeUInt32LE(headerCrc(position, header, 0), 12);
  return header;
}

/** The header at `offset`, whose record stands at `position`; null if it is not a header that was written there. */
export function decodeHeader(bytes: Buffer, offset: number, position: number): RecordHeader | null {
  if (offset + HEADER_BYTES > bytes.length) return null;
  const length = bytes.readUInt32LE(offset);
  if (!isPayloadLength(length)) return null;
  if (bytes.readUInt32LE(offset + 12) !== headerCrc(position, bytes, offset)) return null;
  return { length, unsynced: bytes.readUInt32LE(offset + 4), payloadCrc: bytes.readUInt32LE(offset + 8) };
}

export function isPayloadLength(bytes: number): boolean {
  return bytes > 0 && bytes <= MAX_PAYLOAD_BYTES;
}

export function payloadIsWhole(header: RecordHeader, payload: Uint8Array): boolean {
  return payload.length === header.length && crc32(payload) === header.payloadCrc;
}

function headerCrc(position: number, bytes: Buffer, offset: number): number {
  scratch.writeDoubleLE(position, 0);
  bytes.copy(scratch, POSITION_BYTES, offset, offset + 12);
  return crc32(scratch.subarray(0, POSITION_BYTES + 12));
}
