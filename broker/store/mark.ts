/**
 * The mark that the log folder keeps of the database beside it: which database it is, and how many of its commits held
 * rows that no log brings back (keys, commands, documents, the audit). SQLite drops the end of a damaged write-ahead log
 * without a word; a database that is behind its mark has lost rows (docs/decisions/0010-marks.md). The file has two slots
 * of one sector each, a line of text in each, written in turn, so that a torn write leaves the one before.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { makeFolder, syncFolder } from './folders.ts';

export const MARK_FILE = 'database.mark';

export interface Mark {
  /** Made at random with the database. */
  readonly identity: string;
  /** Commits of rows that only the database holds. */
  readonly generation: number;
}

const SLOT_BYTES = 512;
const SLOTS = 2;
const LINE = /^signalbox-mark ([0-9a-f]{32}) (\d{1,16}) ([0-9a-f]{8})$/;

/** The newer of the slots; `none` if there is no file, `damaged` if no slot can be read. */
export function readMark(folder: string): Mark | 'none' | 'damaged' {
  const path = join(folder, MARK_FILE);
  if (!existsSync(path)) return 'none';
  const bytes = readFileSync(path);
  let newest: Mark | 'damaged' = 'damaged';
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const mark = parseSlot(bytes.toString('latin1', slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
    if (mark && (newest === 'damaged' || mark.generation > newest.generation)) newest = mark;
  }
  return newest;
}

/** Owns the open file. Blocking: runs in the database thread. */
export class MarkFile {
  private readonly file: number;
  private mark: Mark;

  private constructor(file: number, mark: Mark) {
    this.file = file;
    this.mark = mark;
  }

  /** Writes the file anew, whole or not at all, and keeps it open. The folder is made if it is missing. */
  static create(folder: string, mark: Mark): MarkFile {
    makeFolder(folder);
    const path = join(folder, MARK_FILE);
    const file = openSync(`${path}.new`, 'w+', 0o600);
    try {
      for (let slot = 0; slot < SLOTS; slot += 1) writeSlot(file, slot, mark);
      fsyncSync(file);
      renameSync(`${path}.new`, path);
      syncFolder(dirname(path));
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return new MarkFile(file, mark);
  }

  /** Of a file that `readMark` has read. */
  static open(folder: string, mark: Mark): MarkFile {
    return new MarkFile(openSync(join(folder, MARK_FILE), 'r+'), mark);
  }

  get generation(): number {
    return this.mark.generation;
  }

  /** Durable when it returns. */
  raise(generation: number): void {
    const mark = { ...this.mark, generation };
    writeSlot(this.file, generation % SLOTS, mark);
    fdatasyncSync(this.file);
    this.mark = mark;
  }

  close(): void {
    closeSync(this.file);
  }
}

function writeSlot(file: number, slot: number, { identity, generation }: Mark): void {
  const text = `signalbox-mark ${identity} ${generation}`;
  const line = `${text} ${checksum(text)}\n`.padEnd(SLOT_BYTES - 1, ' ');
  writeSync(file, `${line}\n`, slot * SLOT_BYTES, 'latin1');
}

function parseSlot(text: string): Mark | null {
  const [line = ''] = text.split('\n', 1);
  const [, identity = '', generation = '', sum] = LINE.exec(line) ?? [];
  if (sum === undefined || sum !== checksum(line.slice(0, -sum.length - 1))) return null;
  return { identity, generation: Number(generation) };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
