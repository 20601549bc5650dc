/**
 * A simulated disk, as the telemetry log uses one (store/log/files.ts). What is written is seen at once and is durable when it is synced; a
 * loss of power keeps, of what was not, any part. It fills up, fails, slows down and flips bits. Owns the files.
 */
import { crc32 } from 'node:zlib';
import type { FileStatus, OpenedSegment, SegmentFiles, SegmentReads } from '../../broker/store/log/files.ts';
import { SimulatedFile } from './file.ts';
import type { SimulatedProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

/** In good weather, ms. */
export const SYNC_TIME: readonly [number, number] = [0.3, 2];

export interface DiskEvents {
  /** A file is durable up to its end. */
  synced(path: string, content: Uint8Array): void;
  /** A segment is gone, whose last byte stood before the position `end`. */
  removed(path: string, end: number): void;
}

/** Calls of one kind fail. */
export interface Refusal {
  readonly call: 'open' | 'read' | 'write' | 'truncate' | 'unlink';
  readonly code: 'EMFILE' | 'ENOSPC';
}

export class Disk {
  private readonly world: World;
  private readonly random: SeededRandom;
  private readonly name: string;
  /** As they are named now. */
  private files = new Map<string, SimulatedFile>();
  /** As they were named when the folder was last synced. */
  private syncedNames = new Map<string, SimulatedFile>();
  private readonly opened = new Map<number, { readonly path: string; readonly file: SimulatedFile }>();
  private numbers = 0;
  /** Bytes that fit; what is beyond is ENOSPC. */
  capacity = Number.POSITIVE_INFINITY;
  /** When it last had no room, or refused; virtual ms. */
  refusedAt = Number.NEGATIVE_INFINITY;
  /** The next so many syncs fail. */
  failingSyncs = 0;
  /** ms that a sync takes; the writer thread does nothing else meanwhile. */
  syncTime = SYNC_TIME;
  /** A sync has failed: whoever asked for it must end. */
  hasFailed = false;
  /** A process whose sync had failed has synced again, as if that proved something. */
  onDistrust: (process: string) => void = () => {};
  private distrusted: SimulatedProcess | null = null;
  /** Where what is durable of the log ends, by the names of its files. */
  durableEnd = 0;
  /** null: none. */
  refusal: Refusal | null = null;
  /** A bit that is not as it was written; null: none. */
  damage: { readonly path: string; readonly at: number; readonly mend: () => void } | null = null;
  repairedAt = Number.NEGATIVE_INFINITY;
  /** What happens in the middle of a sync, so many syncs from now; null: nothing. */
  inSync: { after: number; readonly run: () => void } | null = null;
  /** `short`: each write takes some of its bytes. */
  writes: 'whole' | 'short' = 'whole';
  events: DiskEvents = { synced: () => {}, removed: () => {} };

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.random = world.randomOf(`${name}/disk`);
  }

  get bytes(): number {
    let bytes = 0;
    for (const { content } of this.files.values()) bytes += content.length;
    return bytes;
  }

  /** What a process sees. Its effects end with it. */
  filesOf(process: SimulatedProcess): SegmentFiles & SegmentReads {
    const alive = () => {
      if (!process.effect()) throw failure('EIO', 'write');
    };
    return {
      makeFolder: () => {},
      syncFolder: () => {
        alive();
        this.syncedNames = new Map(this.files);
      },
      list: () => this.list(),
      open: (path, flags) => {
        if (flags === 'wx') alive();
        return this.open(path, flags, process);
      },
      read: (file, into, offset, length, position) => this.read(file, into, offset, length, position),
      write: (file, parts, position) => {
        alive();
        const [first, ...others] = parts;
        const bytes = first && others.length === 0 ? first : Buffer.concat(parts);
        return this.write(file, bytes, position, process);
      },
      sync: (file) => {
        alive();
        this.sync(file, process);
      },
      syncAll: (file) => {
        alive();
        this.sync(file, process);
      },
      truncate: (file, bytes) => {
        alive();
        this.refuse('truncate');
        this.truncate(file, bytes);
      },
      close: (file) => void this.opened.delete(file),
      unlink: (path) => {
        alive();
        this.files.delete(path);
      },
      openToRead: (path) => this.openToRead(path),
      remove: async (path) => {
        alive();
        this.refuse('unlink');
        const end = baseOf(path) + (this.files.get(path)?.synced.length ?? 0);
        if (!this.files.delete(path)) throw failure('ENOENT', 'unlink');
        this.events.removed(path, end);
        alive();
        this.syncedNames = new Map(this.files);
        this.world.note(this.name, 'removes', path);
      },
    };
  }

  /** Of what was not synced, any part survives. */
  losePower(): void {
    const { random } = this;
    const survivors = new Map<string, SimulatedFile>();
    for (const name of new Set([...this.files.keys(), ...this.syncedNames.keys()])) {
      const now = this.files.get(name);
      const before = this.syncedNames.get(name);
      // A name that came or went since the last sync of the folder did so or did not.
      const file = now === before || random.chance(0.5) ? now : before;
      if (file) survivors.set(name, file);
    }
    for (const file of survivors.values()) file.losePower(random);
    this.files = survivors;
    this.syncedNames = new Map(survivors);
    this.opened.clear();
    this.world.note(this.name, 'loses power', String(this.bytes));
  }

  /** A bit flips, where it lies, in what other records were written after: a damaged last one looks like a torn one. */
  flipBit(): void {
    const held = [...this.files].filter(([, { settled }]) => settled > 0);
    if (held.length === 0 || this.damage) return;
    // The newest is what a start reads; an old one lies there for long.
    const [path, file] = this.random.chance(0.5) ? (held.at(-1) as (typeof held)[0]) : this.random.pick(held);
    const at = this.random.whole(0, file.settled - 1);
    const mask = 1 << this.random.whole(0, 7);
    file.flip(at, mask);
    this.damage = { path, at, mend: () => file.flip(at, mask) };
    this.world.note(this.name, 'flips', `${path} ${at}`);
  }

  /** Somebody puts back a copy. */
  repair(): void {
    this.damage?.mend();
    this.damage = null;
    this.repairedAt = this.world.time;
  }

  /** Of all that the log's files hold. */
  fingerprint(): number {
    return [...this.files].reduce((sum, [path, { content }]) => crc32(content, crc32(path, sum)), 0);
  }

  private list(): FileStatus[] {
    return [...this.files]
      .map(([path, { content, modifiedAt }]) => ({
        name: path.slice(path.lastIndexOf('/') + 1),
        bytes: content.length,
        modifiedAt,
      }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  private noRoom(call: string): Error {
    this.refusedAt = this.world.time;
    return failure('ENOSPC', call);
  }

  private open(path: string, flags: 'wx' | 'r+' | 'r', process: SimulatedProcess): number {
    this.refuse('open');
    let file = this.files.get(path);
    if (flags === 'wx') {
      if (file) throw failure('EEXIST', 'open');
      if (this.bytes >= this.capacity) throw this.noRoom('open');
      file = new SimulatedFile(process.clock.now());
      this.files.set(path, file);
    }
    if (!file) throw failure('ENOENT', 'open');
    this.numbers += 1;
    this.opened.set(this.numbers, { path, file });
    return this.numbers;
  }

  private read(number: number, into: Uint8Array, offset: number, length: number, position: number): number {
    const { content } = this.of(number).file;
    const piece = content.subarray(position, position + length);
    into.set(piece, offset);
    return piece.length;
  }

  private write(number: number, bytes: Uint8Array, position: number, process: SimulatedProcess): number {
    const { file, path } = this.of(number);
    this.refuse('write');
    const most = this.writes === 'short' ? this.random.whole(1, bytes.length) : bytes.length;
    const taken = Math.min(most, this.roomOf(file, position));
    if (taken <= 0) throw this.noRoom('write');
    file.write(bytes.subarray(0, taken), position);
    file.modifiedAt = process.clock.now();
    this.world.note(this.name, `writes ${path} at ${position}`, bytes.subarray(0, taken));
    return taken;
  }

  /** Bytes that can be written to a file at a position. */
  private roomOf({ content }: SimulatedFile, position: number): number {
    if (this.capacity === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.capacity - this.bytes) + Math.max(0, content.length - position);
  }

  private sync(number: number, process: SimulatedProcess): void {
    const { file, path } = this.of(number);
    this.meetEnd(process);
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      this.hasFailed = true;
      this.distrusted = process;
      this.world.note(this.name, 'fails to sync', path);
      throw failure('EIO', 'fdatasync');
    }
    if (this.distrusted === process) this.onDistrust(process.name);
    file.sync();
    this.durableEnd = Math.max(this.durableEnd, baseOf(path) + file.synced.length);
    this.world.note(this.name, 'syncs', path);
    this.events.synced(path, file.synced);
  }

  private truncate(number: number, bytes: number): void {
    const { file, path } = this.of(number);
    file.truncate(bytes);
    this.world.note(this.name, 'truncates', `${path} ${bytes}`);
  }

  /** Whoever asked for the sync may not live to see it done. */
  private meetEnd(process: SimulatedProcess): void {
    const { inSync } = this;
    if (!inSync) return;
    inSync.after -= 1;
    if (inSync.after >= 0) return;
    this.inSync = null;
    inSync.run();
    if (!process.alive) throw failure('EIO', 'fdatasync');
  }

  private refuse(call: Refusal['call']): void {
    if (this.refusal?.call !== call) return;
    this.refusedAt = this.world.time;
    throw failure(this.refusal.code, call);
  }

  private async openToRead(path: string): Promise<OpenedSegment> {
    this.refuse('read');
    const file = this.files.get(path);
    if (!file) throw failure('ENOENT', 'open');
    return {
      read: async (into, offset, length, position) => {
        const piece = file.content.subarray(position, position + length);
        into.set(piece, offset);
        return { bytesRead: piece.length };
      },
      close: async () => {},
    };
  }

  private of(number: number): { readonly path: string; readonly file: SimulatedFile } {
    const opened = this.opened.get(number);
    if (!opened) throw failure('EBADF', 'write');
    return opened;
  }
}

/** Position of the first byte of a segment. */
function baseOf(path: string): number {
  return Number(path.slice(path.lastIndexOf('/') + 1, -'.log'.length));
}

function failure(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${syscall}`), { code, syscall });
}
