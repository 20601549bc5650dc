/**
 * A checksum of every page of the database file, in a file beside it (docs/decisions/0020-page-sums.md). Owns that file, and
 * when pages move from the write-ahead log into the database: SQLite does not do that by itself here.
 *
 * The order at a checkpoint: SQLite copies the pages and syncs; their new sums are written and synced; only then is the log
 * begun anew. So a page whose sum is old stands in the log, whenever the process ends, and the log has sums of its own.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type SqliteDatabase from 'better-sqlite3';
import { syncFolder } from '../folders.ts';
import { pagesInLog, WalFollower } from './wal-pages.ts';

/** Frames in the log after which they are copied; and after which it is tried again, if somebody still reads them. */
const CHECKPOINT_FRAMES = 1000;
const PIECE_PAGES = 256;
const SUM_BYTES = 4;

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

/** To be made before SQLite opens the file and closed after it: to close the file here releases SQLite's locks (POSIX). */
export class PageSums {
  private readonly path: string;
  private readonly file: number;
  private database: SqliteDatabase.Database | null = null;
  private follower: WalFollower | null = null;
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
    this.database = database;
    this.follower = new WalFollower(`${this.path}-wal`, pageBytesOf(this.file));
    this.needsAll = !existsSync(sumsFile(this.path));
    this.takeIn();
    this.checkpoint();
  }

  /** After each group of writes. Throws what SQLite or the disk says. */
  follow(): void {
    this.takeIn();
    if (this.started().frames >= this.nextAt) this.checkpoint();
  }

  /** Before SQLite closes the file. Where the sums cannot be brought up to date they are given up, and made anew. */
  finish(): void {
    try {
      this.takeIn();
      if (!this.copy()) this.give();
    } catch {
      // Whatever the disk says, the rows are in the log, and the next start says it again.
      this.give();
    }
  }

  /** Gives the sums up: at the next start they are made anew. */
  give(): void {
    if (this.sums !== null) closeSync(this.sums);
    this.sums = null;
    rmSync(sumsFile(this.path), { force: true });
  }

  close(): void {
    this.follower?.close();
    if (this.sums !== null) closeSync(this.sums);
    closeSync(this.file);
  }

  private checkpoint(): void {
    const follower = this.started();
    this.nextAt = follower.frames + CHECKPOINT_FRAMES;
    if (!this.copy()) return;
    // The log is begun anew by the next write: this one. What it held counts no more then. SQLite would leave out a write
    // that changes nothing, so this raises the generation, which may be ahead of its mark.
    this.connection().exec('UPDATE mark SET generation = generation + 1');
    this.nextAt = CHECKPOINT_FRAMES;
    this.takeIn();
  }

  private takeIn(): void {
    if (this.started().read() === 'on') return;
    // Unless it was this here, another program has copied the pages and begun the log anew.
    if (!this.isCopied) this.needsAll = true;
    this.isCopied = false;
  }

  /** Whether every page of the log is in the database, with its sum. */
  private copy(): boolean {
    const [result] = this.connection().pragma('wal_checkpoint(PASSIVE)') as [
      { busy: number; log: number; checkpointed: number },
    ];
    const { busy, log, checkpointed } = result;
    if (busy !== 0 || checkpointed < log) return false;
    const follower = this.started();
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

  private started(): WalFollower {
    if (!this.follower) throw new Error('the page sums are not started');
    return this.follower;
  }

  private connection(): SqliteDatabase.Database {
    if (!this.database) throw new Error('the page sums are not started');
    return this.database;
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
