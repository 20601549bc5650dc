/**
 * Keeps a checksum of every page of the database file, in a file beside it (docs/decisions/0020-page-sums.md). Owns that
 * file, and when pages move from the write-ahead log into the database, which SQLite does not do by itself here. At a
 * checkpoint SQLite copies the pages and syncs; then their new sums are written and synced; only then is the log begun
 * anew. So a page whose sum is old stands in the log, whenever the process ends, and the log has sums of its own.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type SqliteDatabase from 'better-sqlite3';
import { syncFolder } from '../folders.ts';
import { statementsOf } from './statements.ts';

/** Frames in the log after which they are copied; and after which it is tried again, if somebody still reads them. */
const CHECKPOINT_FRAMES = 1000;
const PIECE_PAGES = 256;
const SUM_BYTES = 4;

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The last bit of the header's first word says in which order of bytes words are summed. */
const WAL_MAGIC = 0x377f0682;

const sumsFile = (file: string) => `${file}-sums`;

/** Pages of the database file that are not as they were written, in order. Before SQLite opens it. */
export function damagedPages(file: string): readonly number[] {
  if (!existsSync(sumsFile(file)) || !existsSync(file)) return [];
  const sums = readSums(sumsFile(file));
  const inLog = pagesInLog(`${file}-wal`);
  const descriptor = openSync(file, 'r');
  try {
    const found = sumsOf(descriptor);
    const pages = Math.max(sums.length, found.length);
    const damaged: number[] = [];
    for (let page = 1; page <= pages; page += 1) {
      if (sums[page - 1] !== found[page - 1] && !inLog.has(page)) damaged.push(page);
    }
    return damaged;
  } finally {
    closeSync(descriptor);
  }
}

/** From when SQLite has opened the file. */
interface AttachedSums {
  readonly database: SqliteDatabase.Database;
  readonly follower: WalFollower;
  readonly raiseMark: SqliteDatabase.Statement<[object]>;
}

/** To be made before SQLite opens the file and closed after it: to close the file here releases SQLite's locks (POSIX). */
export class PageSums {
  private readonly path: string;
  private readonly file: number;
  private attached: AttachedSums | null = null;
  private sums: number | null = null;
  /** The sums of all pages are to be written, not only of those in the log. */
  private needsAll = true;
  /** Everything that the log holds is in the database, with its sums: the log may be begun anew. */
  private isCopied = false;
  private nextAt = CHECKPOINT_FRAMES;

  constructor(file: string) {
    this.path = file;
    this.file = openSync(file, 'r');
  }

  /** From now on this alone checkpoints. The database is whole, and its log was not begun anew since it was checked. */
  start(database: SqliteDatabase.Database): void {
    const follower = new WalFollower(`${this.path}-wal`, pageBytesOf(this.file));
    this.attached = { database, follower, raiseMark: statementsOf(database)('raiseMark') };
    this.needsAll = !existsSync(sumsFile(this.path));
    this.readLog();
    this.checkpoint();
  }

  /** After each group of writes. Throws what SQLite or the disk says. */
  follow(): void {
    this.readLog();
    if (this.started().follower.frames >= this.nextAt) this.checkpoint();
  }

  /** Before SQLite closes the file. Where the sums cannot be brought up to date they are given up, and made anew. */
  finish(): void {
    try {
      this.readLog();
      if (!this.copy()) this.discard();
    } catch {
      // Whatever the disk says, the rows are in the log, and the next start says it again.
      this.discard();
    }
  }

  /** Gives the sums up: at the next start they are made anew. */
  discard(): void {
    if (this.sums !== null) closeSync(this.sums);
    this.sums = null;
    rmSync(sumsFile(this.path), { force: true });
  }

  close(): void {
    this.attached?.follower.close();
    if (this.sums !== null) closeSync(this.sums);
    closeSync(this.file);
  }

  private checkpoint(): void {
    const { follower, raiseMark } = this.started();
    this.nextAt = follower.frames + CHECKPOINT_FRAMES;
    if (!this.copy()) return;
    // The log is begun anew by the next write: this one. What it held counts no more then. SQLite would leave out a write
    // that changes nothing, so this raises the generation, which may be ahead of its mark.
    raiseMark.all({});
    this.nextAt = CHECKPOINT_FRAMES;
    this.readLog();
  }

  private readLog(): void {
    if (this.started().follower.read() === 'on') return;
    // Unless it was this here, another program has copied the pages and begun the log anew.
    if (!this.isCopied) this.needsAll = true;
    this.isCopied = false;
  }

  /** Whether every page of the log is in the database, with its sum. */
  private copy(): boolean {
    const { database, follower } = this.started();
    const [result] = database.pragma('wal_checkpoint(PASSIVE)') as [
      { busy: number; log: number; checkpointed: number },
    ];
    const { busy, log, checkpointed } = result;
    if (busy !== 0 || checkpointed < log) return false;
    if (log > 0 && log !== follower.frames) this.needsAll = true;
    this.write(this.needsAll ? null : [...follower.pages]);
    this.isCopied = true;
    return true;
  }

  /** The sums of these pages; of all for null. */
  private write(pages: readonly number[] | null): void {
    const isNew = this.sums === null && !existsSync(sumsFile(this.path));
    this.sums ??= openSync(sumsFile(this.path), isNew ? 'wx+' : 'r+', 0o600);
    const all = pages === null ? sumsOf(this.file) : null;
    if (all) writeSync(this.sums, new Uint8Array(all.buffer), 0, all.byteLength, 0);
    for (const page of pages ?? []) {
      const sum = new Uint32Array([sumOf(this.file, page)]);
      writeSync(this.sums, new Uint8Array(sum.buffer), 0, SUM_BYTES, (page - 1) * SUM_BYTES);
    }
    const count = Math.floor(fstatSync(this.file).size / pageBytesOf(this.file));
    ftruncateSync(this.sums, count * SUM_BYTES);
    fdatasyncSync(this.sums);
    if (isNew) syncFolder(dirname(this.path));
    this.needsAll = false;
  }

  private started(): AttachedSums {
    if (!this.attached) throw new Error('the page sums are not started');
    return this.attached;
  }
}

function readSums(path: string): Uint32Array {
  const file = openSync(path, 'r');
  try {
    const sums = new Uint32Array(Math.floor(fstatSync(file).size / SUM_BYTES));
    readSync(file, new Uint8Array(sums.buffer), 0, sums.byteLength, 0);
    return sums;
  } finally {
    closeSync(file);
  }
}

function sumsOf(file: number): Uint32Array<ArrayBuffer> {
  const { size } = fstatSync(file);
  const pageBytes = pageBytesOf(file);
  const sums = new Uint32Array(Math.ceil(size / pageBytes));
  const piece = Buffer.alloc(PIECE_PAGES * pageBytes);
  for (let page = 0; page < sums.length; ) {
    const read = readSync(file, piece, 0, piece.length, page * pageBytes);
    if (read === 0) break;
    for (let at = 0; at < read; at += pageBytes) {
      sums[page] = crc32(piece.subarray(at, Math.min(at + pageBytes, read)));
      page += 1;
    }
  }
  return sums;
}

function sumOf(file: number, page: number): number {
  const bytes = Buffer.alloc(pageBytesOf(file));
  const read = readSync(file, bytes, 0, bytes.length, (page - 1) * bytes.length);
  return crc32(bytes.subarray(0, read));
}

/** As the file's header says; a damaged header is found by SQLite. */
function pageBytesOf(file: number): number {
  const bytes = Buffer.alloc(2);
  readSync(file, bytes, 0, 2, 16);
  const said = bytes.readUInt16BE(0);
  const isPower = said >= 512 && (said & (said - 1)) === 0;
  return isPower ? said : 4096;
}

/**
 * The pages that the write-ahead log holds, read from its file (https://sqlite.org/fileformat.html#the_write_ahead_log) as
 * SQLite recovers it: up to the last commit before the first frame whose checksum is wrong. That file carries no locks, so
 * opening and closing it beside SQLite does no harm.
 */
function pagesInLog(file: string): ReadonlySet<number> {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const pages = new Set<number>();
  if (bytes.length < WAL_HEADER_BYTES || (bytes.readUInt32BE(0) & ~1) >>> 0 !== WAL_MAGIC) return pages;
  const sum = new WalSum(bytes.readUInt32BE(0) === WAL_MAGIC + 1);
  const pageBytes = bytes.readUInt32BE(8);
  sum.add(bytes, 0, 24);
  if (!sum.equals(bytes, 24)) return pages;
  let uncommitted: number[] = [];
  for (let at = WAL_HEADER_BYTES; at + FRAME_HEADER_BYTES + pageBytes <= bytes.length; ) {
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
class WalFollower {
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
        WAL_HEADER_BYTES + this.frames * (FRAME_HEADER_BYTES + this.pageBytes),
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
