/**
 * A file that grows by whole records and is read back to its last good one. A record is length (u32, little endian),
 * CRC-32 of the payload (u32), payload. Owns the descriptor. What `append` wrote survives the process at once, and a power
 * cut about a second later. `replaceFile` begins a file at one stroke: after a crash it is the old one or the new one,
 * never half of each.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Clock, Timer } from '../broker/base/clock.ts';

const HEAD = 8;
const SYNC_WITHIN = 1000;

export interface Records {
  readonly payloads: readonly Uint8Array[];
  /** Where the last good record ends. */
  readonly end: number;
  /** `torn`: the end was cut off by a crash; `damaged`: a record that is all there is not what was written. */
  readonly rest: 'none' | 'torn' | 'damaged';
}

export function readRecords(bytes: Uint8Array): Records {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloads: Uint8Array[] = [];
  let end = 0;
  while (end < bytes.length) {
    const length = end + HEAD <= bytes.length ? view.getUint32(end, true) : Number.POSITIVE_INFINITY;
    if (end + HEAD + length > bytes.length) return { payloads, end, rest: 'torn' };
    // No record is empty, but eight zeros would look like one: a power cut may leave a file that is longer than what was written.
    if (length === 0) return { payloads, end, rest: isBlank(bytes.subarray(end)) ? 'torn' : 'damaged' };
    const payload = bytes.subarray(end + HEAD, end + HEAD + length);
    if (crc32(payload) !== view.getUint32(end + 4, true)) {
      // A power cut may leave the right length and wrong bytes, but only in what was written last.
      return { payloads, end, rest: end + HEAD + length === bytes.length ? 'torn' : 'damaged' };
    }
    payloads.push(payload);
    end += HEAD + length;
  }
  return { payloads, end, rest: 'none' };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

export function record(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload), true);
  bytes.set(payload, HEAD);
  return bytes;
}

export class AppendFile {
  private readonly file: number;
  private readonly clock: Clock;
  private readonly onFault: (error: Error) => void;
  private length: number;
  private timer: Timer | null = null;
  private sync: 'clean' | 'due' | 'running' | 'running and due' | 'closing' | 'closed' = 'clean';

  /** Opens the file, which must exist and end at `length`. */
  constructor(path: string, length: number, clock: Clock, onFault: (error: Error) => void) {
    this.clock = clock;
    this.onFault = onFault;
    this.length = length;
    this.file = openSync(path, 'r+');
  }

  get bytes(): number {
    return this.length;
  }

  /** Throws if the disk takes less than all of it; the file then ends where it did before. */
  append(payload: Uint8Array): void {
    const bytes = record(payload);
    try {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(this.file, bytes, done, bytes.length - done, this.length + done);
      }
    } catch (error) {
      ftruncateSync(this.file, this.length);
      throw error;
    }
    this.length += bytes.length;
    this.syncSoon();
  }

  /** Everything that was appended survives a power cut when it returns. Throws what the file system says. */
  flush(): void {
    fdatasyncSync(this.file);
  }

  /** Idempotent. */
  close(): void {
    if (this.sync === 'closing' || this.sync === 'closed') return;
    this.timer?.cancel();
    fdatasyncSync(this.file);
    const isRunning = this.sync.startsWith('running');
    this.sync = isRunning ? 'closing' : 'closed';
    // While a sync runs the descriptor must not be given to another file.
    if (!isRunning) closeSync(this.file);
  }

  private syncSoon(): void {
    if (this.sync === 'running') this.sync = 'running and due';
    if (this.sync !== 'clean') return;
    this.sync = 'due';
    this.timer = this.clock.after(SYNC_WITHIN, () => this.syncNow());
  }

  private syncNow(): void {
    if (this.sync !== 'due') return;
    this.sync = 'running';
    fdatasync(this.file, (error) => this.synced(error));
  }

  private synced(error: Error | null): void {
    const { sync } = this;
    this.sync = sync === 'closing' ? 'closed' : 'clean';
    if (sync === 'closing') closeSync(this.file);
    if (sync === 'running and due') this.syncSoon();
    if (error) this.onFault(error);
  }
}

/** Durable when it returns; only the owner may read the file. Throws what the file system says. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, bytes, { mode: 0o600, flush: true });
  renameSync(fresh, path);
  syncFolder(dirname(path));
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
