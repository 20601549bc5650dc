/**
 * Writes the log's files; nothing else changes their contents. Owns the open segment and the end of the log. Blocking:
 * runs in the writer thread. After an error no method may be called but `close`: what is on disk is then unknown.
 */
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, syncFolder } from '../folders.ts';
import type { LogRecord } from '../ports.ts';
import { encodeHeader, HEADER_BYTES, segmentName } from './format.ts';
import type { WriterOptions } from './messages.ts';
import { type Recovered, recover } from './recovery.ts';

const FILE_MODE = 0o600;

interface Segment {
  readonly base: number;
  readonly file: number;
  bytes: number;
}

export class SegmentWriter {
  private readonly options: WriterOptions;
  private segment: Segment | null = null;

  constructor(options: WriterOptions) {
    this.options = options;
  }

  /** Recovers the folder, cuts a torn tail and opens the last segment, or begins the first: there is one after this. */
  open(): Recovered {
    const { folder, floor } = this.options;
    makeFolder(folder);
    const recovered = recover(folder, floor);
    const last = recovered.segments.at(-1);
    if (!last) {
      this.segment = this.begin(floor);
      return recover(folder, floor);
    }
    const file = openSync(join(folder, segmentName(last.base)), 'r+');
    this.segment = { base: last.base, file, bytes: last.bytes };
    if (recovered.torn) ftruncateSync(file, recovered.torn.offset);
    // The process before this one may have died between write and sync: what was read must also be on the disk.
    if (last.bytes > 0 || recovered.torn) fsyncSync(file);
    syncFolder(this.options.folder);
    return recovered;
  }

  /** Begins a new segment if the current one holds `bytes` or more; returns its base, or null. */
  rollAt(bytes: number): number | null {
    const current = this.current();
    if (current.bytes < Math.max(bytes, 1)) return null;
    this.close();
    this.segment = this.begin(current.base + current.bytes);
    return this.segment.base;
  }

  /** One write, one sync. The records are durable when this returns. */
  commit(payloads: readonly Uint8Array<ArrayBuffer>[]): LogRecord[] {
    const segment = this.current();
    const durable = segment.base + segment.bytes;
    const parts: Uint8Array[] = [];
    const records: LogRecord[] = [];
    let position = durable;
    for (const payload of payloads) {
      const end = position + HEADER_BYTES + payload.length;
      parts.push(encodeHeader(position, position - durable, payload), payload);
      records.push({ position, end, payload });
      position = end;
    }
    writeAll(segment.file, parts, segment.bytes);
    fdatasyncSync(segment.file);
    segment.bytes = position - segment.base;
    return records;
  }

  close(): void {
    const { segment } = this;
    this.segment = null;
    if (segment) closeSync(segment.file);
  }

  private current(): Segment {
    if (!this.segment) throw new Error('the segment writer is not open');
    return this.segment;
  }

  /** The folder's entry must be durable before anything in the file can be. */
  private begin(base: number): Segment {
    const file = openSync(join(this.options.folder, segmentName(base)), 'wx', FILE_MODE);
    syncFolder(this.options.folder);
    return { base, file, bytes: 0 };
  }
}

/** A write may stop short, at a limit or before a full disk: goes on until all is written or an error is thrown. */
function writeAll(file: number, parts: readonly Uint8Array[], offset: number): void {
  const rest = [...parts];
  let at = offset;
  while (rest.length > 0) {
    let written = writevSync(file, rest, at);
    at += written;
    while (rest[0] && written >= rest[0].length) {
      written -= rest[0].length;
      rest.shift();
    }
    if (rest[0]) rest[0] = rest[0].subarray(written);
  }
}
