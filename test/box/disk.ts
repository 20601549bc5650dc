/**
 * A simulated disk, as the telemetry log uses one (store/log/files.ts). What is written is seen at once and is durable when it is synced; a
 * loss of power keeps, of what was not, any part. It fills up, fails, slows down and flips bits. Owns the files.
 */
import type { FileStatus, OpenedSegment, SegmentFiles, SegmentReads } from '../../broker/store/log/files.ts';
import type { SimulatedProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

/** What reaches a disk whole or not at all. */
const PAGE = 512;

interface SimulatedFile {
  readonly number: number;
  /** As a reader sees it. */
  content: Buffer;
  /** What a loss of power leaves for certain. */
  synced: Buffer;
  modifiedAt: number;
}

export interface DiskEvents {
  /** A file is durable up to its end. */
  synced(path: string, content: Uint8Array): void;
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
  /** The next so many syncs fail. */
  failingSyncs = 0;
  /** ms that a sync takes; the writer thread does nothing else meanwhile. */
  syncTime: readonly [number, number] = [0.3, 2];
  /** A sync has failed: whoever asked for it must end. */
  hasFailed = false;
  /** Where what is durable of the log ends, by the names of its files. */
  durableEnd = 0;
  events: DiskEvents = { synced: () => {} };

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
        return this.write(file, Buffer.concat(parts), position, process);
      },
      sync: (file) => {
        alive();
        this.sync(file);
      },
      syncAll: (file) => {
        alive();
        this.sync(file);
      },
      truncate: (file, bytes) => {
        alive();
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
        if (!this.files.delete(path)) throw failure('ENOENT', 'unlink');
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
    for (const file of survivors.values()) {
      file.content = this.remains(file);
      file.synced = Buffer.from(file.content);
    }
    this.files = survivors;
    this.syncedNames = new Map(survivors);
    this.opened.clear();
    this.world.note(this.name, 'loses power', String(this.bytes));
  }

  /** One bit of one file, where it lies. Returns the file's name; null: there is nothing on this disk. */
  flipBit(): string | null {
    const held = [...this.files].filter(([, { content }]) => content.length > 0);
    if (held.length === 0) return null;
    const [path, file] = this.random.pick(held);
    const at = this.random.whole(0, file.content.length - 1);
    const mask = 1 << this.random.whole(0, 7);
    file.content[at] = (file.content[at] as number) ^ mask;
    if (at < file.synced.length) file.synced[at] = file.content[at] as number;
    this.world.note(this.name, 'flips', `${path} ${at}`);
    return path;
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

  private open(path: string, flags: 'wx' | 'r+' | 'r', process: SimulatedProcess): number {
    let file = this.files.get(path);
    if (flags === 'wx') {
      if (file) throw failure('EEXIST', 'open');
      if (this.bytes >= this.capacity) throw failure('ENOSPC', 'open');
      this.numbers += 1;
      const modifiedAt = process.clock.now();
      file = { number: this.numbers, content: Buffer.alloc(0), synced: Buffer.alloc(0), modifiedAt };
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

  private write(number: number, bytes: Buffer, position: number, process: SimulatedProcess): number {
    const { file, path } = this.of(number);
    const room = Math.max(0, this.capacity - this.bytes);
    const grows = Math.max(0, position + bytes.length - file.content.length);
    const taken = grows > room ? bytes.length - (grows - room) : bytes.length;
    if (taken <= 0) throw failure('ENOSPC', 'write');
    const end = Math.max(file.content.length, position + taken);
    const content = Buffer.alloc(end);
    file.content.copy(content);
    bytes.copy(content, position, 0, taken);
    file.content = content;
    file.modifiedAt = process.clock.now();
    this.world.note(this.name, `writes ${path} at ${position}`, bytes.subarray(0, taken));
    return taken;
  }

  private sync(number: number): void {
    const { file, path } = this.of(number);
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      this.hasFailed = true;
      this.world.note(this.name, 'fails to sync', path);
      throw failure('EIO', 'fdatasync');
    }
    file.synced = Buffer.from(file.content);
    const base = Number(path.slice(path.lastIndexOf('/') + 1, -'.log'.length));
    this.durableEnd = Math.max(this.durableEnd, base + file.synced.length);
    this.world.note(this.name, 'syncs', path);
    this.events.synced(path, file.synced);
  }

  private truncate(number: number, bytes: number): void {
    const { file, path } = this.of(number);
    file.content = Buffer.from(file.content.subarray(0, bytes));
    this.world.note(this.name, 'truncates', `${path} ${bytes}`);
  }

  private async openToRead(path: string): Promise<OpenedSegment> {
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

  /** Each page that was written since the last sync came to the disk, or did not; the length lies anywhere between. */
  private remains({ content, synced }: SimulatedFile): Buffer {
    if (content.equals(synced)) return content;
    const { random } = this;
    const whole = random.chance(0.3);
    const length = whole
      ? content.length
      : random.whole(Math.min(synced.length, content.length), content.length);
    const remains = Buffer.alloc(length);
    synced.copy(remains);
    for (let at = 0; at < length; at += PAGE) {
      if (whole || random.chance(0.5)) content.copy(remains, at, at, Math.min(length, at + PAGE));
    }
    return remains;
  }
}

function failure(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${syscall}`), { code, syscall });
}
