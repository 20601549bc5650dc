/**
 * Which pages of the database stand in its write-ahead log (https://sqlite.org/fileformat.html#the_write_ahead_log). Reads
 * only. The log's file carries no locks, so that opening and closing it beside SQLite does no harm.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The last bit of the header's first word says in which order of bytes words are summed. */
const MAGIC = 0x377f0682;

/** As SQLite recovers it: up to the last commit before the first frame whose checksum is wrong. */
export function pagesInLog(file: string): ReadonlySet<number> {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const pages = new Set<number>();
  if (bytes.length < HEADER_BYTES || (bytes.readUInt32BE(0) & ~1) >>> 0 !== MAGIC) return pages;
  const sum = new WalSum(bytes.readUInt32BE(0) === MAGIC + 1);
  const pageBytes = bytes.readUInt32BE(8);
  sum.add(bytes, 0, 24);
  if (!sum.equals(bytes, 24)) return pages;
  let uncommitted: number[] = [];
  for (let at = HEADER_BYTES; at + FRAME_HEADER_BYTES + pageBytes <= bytes.length; ) {
    const page = bytes.readUInt32BE(at);
    const isCommit = bytes.readUInt32BE(at + 4) !== 0;
    sum.add(bytes, at, 8);
    sum.add(bytes, at + FRAME_HEADER_BYTES, pageBytes);
    if (bytes.compare(bytes, 16, 24, at + 8, at + 16) !== 0 || !sum.equals(bytes, at + 16)) break;
    uncommitted.push(page);
    if (isCommit) for (const one of uncommitted) pages.add(one);
    if (isCommit) uncommitted = [];
    at += FRAME_HEADER_BYTES + pageBytes;
  }
  return pages;
}

class WalSum {
  private readonly isBigEndian: boolean;
  private first = 0;
  private second = 0;

  constructor(isBigEndian: boolean) {
    this.isBigEndian = isBigEndian;
  }

  add(bytes: Buffer, from: number, length: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, length);
    for (let at = 0; at < length; at += 8) {
      this.first = (this.first + view.getUint32(at, !this.isBigEndian) + this.second) >>> 0;
      this.second = (this.second + view.getUint32(at + 4, !this.isBigEndian) + this.first) >>> 0;
    }
  }

  equals(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.first && bytes.readUInt32BE(at + 4) === this.second;
  }
}

/** Follows the log as it grows under a running broker. Owns how far it was read, and the pages found since it began. */
export class WalFollower {
  readonly pages = new Set<number>();
  frames = 0;
  private readonly path: string;
  private readonly pageBytes: number;
  private file: number | null = null;
  private salt = '';

  constructor(path: string, pageBytes: number) {
    this.path = path;
    this.pageBytes = pageBytes;
  }

  /** Takes in what was written since the last call. `again`: the log was begun anew; what it held before is not known here. */
  read(): 'on' | 'again' {
    if (this.file === null) {
      if (!existsSync(this.path)) return 'on';
      this.file = openSync(this.path, 'r');
    }
    const head = this.at(this.file, 16, 8);
    if (head === null) return 'on';
    const salt = head.toString('hex');
    const isAnew = salt !== this.salt;
    if (isAnew) {
      this.salt = salt;
      this.frames = 0;
      this.pages.clear();
    }
    for (;;) {
      const frame = this.at(
        this.file,
        HEADER_BYTES + this.frames * (FRAME_HEADER_BYTES + this.pageBytes),
        16,
      );
      if (frame === null || frame.toString('hex', 8) !== salt) return isAnew ? 'again' : 'on';
      this.pages.add(frame.readUInt32BE(0));
      this.frames += 1;
    }
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }

  private at(file: number, position: number, length: number): Buffer | null {
    const bytes = Buffer.alloc(length);
    return readSync(file, bytes, 0, length, position) === length ? bytes : null;
  }
}
