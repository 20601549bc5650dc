/**
 * The file system as the telemetry log uses it. `REAL_FILES` is the machine's; tests and the simulation put one in its place that
 * fills up, fails and loses what was not synced. Errors are Node's own, with `code` and `syscall`.
 */
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writevSync,
} from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, syncFolder } from '../folders.ts';

export interface FileStatus {
  readonly name: string;
  readonly bytes: number;
  /** When it was last written, Unix ms. */
  readonly modifiedAt: number;
}

/** For the writer thread: blocking, and the only part that changes what is in a file. */
export interface SegmentFiles {
  makeFolder(folder: string): void;
  /** Makes the names in the folder durable. */
  syncFolder(folder: string): void;
  /** In the order of names. */
  list(folder: string): readonly FileStatus[];
  open(path: string, flags: 'wx' | 'r+' | 'r', mode?: number): number;
  /** How many bytes were read; 0 at the end of the file. */
  read(file: number, into: Uint8Array, offset: number, length: number, position: number): number;
  /** How many bytes were written: not always all. */
  write(file: number, parts: readonly Uint8Array[], position: number): number;
  /** What was written is durable (fdatasync). */
  sync(file: number): void;
  /** So is all else of the file (fsync). */
  syncAll(file: number): void;
  truncate(file: number, bytes: number): void;
  close(file: number): void;
  unlink(path: string): void;
}

/** A segment that is read back. */
export interface OpenedSegment {
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

/** For the event loop, which never waits for a disk. */
export interface SegmentReads {
  /** Rejects with ENOENT if retention has removed it. */
  openToRead(path: string): Promise<OpenedSegment>;
  /** Durable when it resolves: after a loss of power no older file is there again while a newer one is gone. */
  remove(path: string): Promise<void>;
}

export const REAL_FILES: SegmentFiles & SegmentReads = {
  makeFolder,
  syncFolder,
  list: (folder) =>
    readdirSync(folder)
      .sort()
      .map((name) => {
        const { size, mtimeMs } = statSync(join(folder, name));
        return { name, bytes: size, modifiedAt: mtimeMs };
      }),
  open: openSync,
  read: readSync,
  write: writevSync,
  sync: fdatasyncSync,
  syncAll: fsyncSync,
  truncate: ftruncateSync,
  close: closeSync,
  unlink: unlinkSync,
  openToRead: (path) => open(path, 'r'),
  remove: async (path) => {
    await unlink(path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};
