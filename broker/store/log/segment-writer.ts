/**
 * Writes the log's files; nothing else changes their contents. Owns the open segment and the end of the log. Blocks, so it
 * runs in the writer thread. After an error that is no obstacle (store/obstacles.ts) it is unknown what is on disk, and
 * only `close` may be called. After an obstacle everything is as before the call, which may be made again.
 */
import { join } from 'node:path';
import { obstacleOf } from '../obstacles.ts';
import type { StoredRecord } from '../ports.ts';
import { positionOf } from '../position.ts';
import { REAL_FILES, type SegmentFiles } from './files.ts';
import { encodeHeader, HEADER_BYTES, segmentName } from './format.ts';
import { type Recovered, recover } from './recovery.ts';

export interface WriterOptions {
  readonly folder: string;
  /** A segment of this size is closed before the next record that names no earlier source, and another one begun. */
  readonly segmentBytes: number;
  /** See `recover`; an empty log begins here. */
  readonly floor: number;
}

const FILE_MODE = 0o600;

/** The segment that grows. */
interface OpenSegment {
  readonly base: number;
  readonly file: number;
  bytes: number;
}

export class SegmentWriter {
  private readonly options: WriterOptions;
  private readonly files: SegmentFiles;
  private segment: OpenSegment | null = null;

  constructor(options: WriterOptions, files: SegmentFiles = REAL_FILES) {
    this.options = options;
    this.files = files;
  }

  /** Recovers the folder, cuts a torn tail and opens the last segment, or begins the first: there is one after this. */
  open(): Recovered {
    const { folder, floor } = this.options;
    const { files } = this;
    files.makeFolder(folder);
    const recovered = recover(folder, floor, files);
    const last = recovered.segments.at(-1);
    if (!last) {
      this.segment = this.begin(floor);
      return recover(folder, floor, files);
    }
    const file = files.open(join(folder, segmentName(last.base)), 'r+');
    this.segment = { base: last.base, file, bytes: last.bytes };
    if (recovered.torn) files.truncate(file, recovered.torn.offset);
    // The process before this one may have died between write and sync: what was read must also be on the disk.
    if (last.bytes > 0 || recovered.torn) files.syncAll(file);
    files.syncFolder(folder);
    return recovered.isFormat1 ? this.leaveFormat1(recovered) : recovered;
  }

  /** What a broker of before wrote is left as it is; if the disk is full, its last segment goes on. */
  private leaveFormat1(recovered: Recovered): Recovered {
    try {
      const base = this.rollAt(1);
      return base === null ? recovered : recover(this.options.folder, this.options.floor, this.files);
    } catch (error) {
      if (obstacleOf(error)) return recovered;
      throw error;
    }
  }

  /** Of the open segment. */
  get segmentBytes(): number {
    return this.current().bytes;
  }

  /** Begins a new segment if the current one holds `bytes` or more; returns its base, or null. */
  rollAt(bytes: number): number | null {
    const current = this.current();
    if (current.bytes < Math.max(bytes, 1)) return null;
    const next = this.begin(current.base + current.bytes);
    this.close();
    this.segment = next;
    return next.base;
  }

  /** One write, one sync. The records are durable when this returns. */
  commit(payloads: readonly Uint8Array<ArrayBuffer>[]): StoredRecord[] {
    const segment = this.current();
    const durable = segment.base + segment.bytes;
    const parts: Uint8Array[] = [];
    const records: StoredRecord[] = [];
    let position = durable;
    for (const payload of payloads) {
      const end = position + HEADER_BYTES + payload.length;
      parts.push(encodeHeader(position, position - durable, payload), payload);
      records.push({ position: positionOf(position), end: positionOf(end), payload });
      position = end;
    }
    this.write(segment, parts);
    this.files.sync(segment.file);
    segment.bytes = position - segment.base;
    return records;
  }

  close(): void {
    const { segment } = this;
    this.segment = null;
    if (segment) this.files.close(segment.file);
  }

  private current(): OpenSegment {
    if (!this.segment) throw new Error('the segment writer is not open');
    return this.segment;
  }

  /** The folder's entry must be durable before anything in the file can be. */
  private begin(base: number): OpenSegment {
    const { folder } = this.options;
    const path = join(folder, segmentName(base));
    const file = this.files.open(path, 'wx', FILE_MODE);
    try {
      this.files.syncFolder(folder);
    } catch (error) {
      this.files.close(file);
      // The name is free again for the next try. It was never told to anybody.
      if (obstacleOf(error)) this.files.unlink(path);
      throw error;
    }
    return { base, file, bytes: 0 };
  }

  /** All of it, or what was written of it is cut off again. */
  private write({ file, bytes }: OpenSegment, parts: readonly Uint8Array[]): void {
    try {
      this.writeAll(file, parts, bytes);
    } catch (error) {
      this.files.truncate(file, bytes);
      throw error;
    }
  }

  /** A write may stop short, at a limit or before a full disk: goes on until all is written or an error is thrown. */
  private writeAll(file: number, parts: readonly Uint8Array[], offset: number): void {
    const rest = [...parts];
    let at = offset;
    while (rest.length > 0) {
      let written = this.files.write(file, rest, at);
      at += written;
      while (rest[0] && written >= rest[0].length) {
        written -= rest[0].length;
        rest.shift();
      }
      if (rest[0]) rest[0] = rest[0].subarray(written);
    }
  }
}
