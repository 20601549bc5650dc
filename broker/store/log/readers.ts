/**
 * The log's readers, whatever holds its records. `Readers` owns the cursors (name → position), also of readers that are
 * not open at the moment, and the bytes that were lost to each. `CursorStore` makes the cursors durable about once a
 * second, when it is asked, and at the stop. A stored cursor may lag behind its reader and never leads it: after a crash a
 * reader sees about its last second again.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { SerialQueue } from '../../base/serial-queue.ts';
import type { Cursors, LogBounds, LogReader, LogRecord, StateStore } from '../ports.ts';
import { earliest, later, type Position } from '../position.ts';

export type CursorTable = Pick<StateStore, 'loadCursors' | 'saveCursors'>;

const FLUSH_MS = 1000;

export class CursorStore {
  private readonly store: CursorTable;
  private readonly positions: () => Cursors;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private saved: Cursors = {};
  private timer: Timer | null = null;
  private readonly saves = new SerialQueue();

  /** `positions` tells where the readers stand now. */
  constructor(parts: {
    store: CursorTable;
    positions: CursorStore['positions'];
    clock: Clock;
    logger: Logger;
  }) {
    this.store = parts.store;
    this.positions = parts.positions;
    this.clock = parts.clock;
    this.logger = parts.logger;
  }

  /** Returns the stored cursors. */
  async start(): Promise<Cursors> {
    this.saved = await this.store.loadCursors();
    this.timer = this.clock.every(FLUSH_MS, () => void this.flush());
    return this.saved;
  }

  /** Saves what has moved. Never rejects: the database reports its own failure, and a lagging cursor is safe. */
  flush(): Promise<void> {
    return this.saves.run(() => this.save());
  }

  async stop(): Promise<void> {
    this.timer?.cancel();
    this.timer = null;
    await this.flush();
  }

  private async save(): Promise<void> {
    const positions = this.positions();
    const moved = Object.entries(positions).filter(([name, position]) => this.saved[name] !== position);
    if (moved.length === 0) return;
    try {
      await this.store.saveCursors(Object.fromEntries(moved));
      this.saved = { ...this.saved, ...Object.fromEntries(moved) };
    } catch (error) {
      this.logger.warn({ err: error }, 'The cursors of the log readers were not saved.');
    }
  }
}

/** What holds the records. */
export interface RecordSource {
  readonly bounds: LogBounds;
  bytesBetween(from: Position, to: Position): number;
  /**
   * Records from `position` on, which lies within the bounds and below the end: at least one, of about `maxBytes`.
   * Empty if retention removed them meanwhile.
   */
  fetch(position: Position, maxBytes: number): Promise<readonly LogRecord[]>;
}

export class Readers {
  private readonly source: RecordSource;
  private readonly cursors = new Map<string, Position>();
  private readonly lostBytes = new Map<string, number>();
  private readonly open = new Map<string, Reader>();

  constructor(source: RecordSource) {
    this.source = source;
  }

  /** Cursors as stored. One that fell off while nothing ran counts as lost when its reader opens. */
  restore(cursors: Cursors): void {
    for (const [name, position] of Object.entries(cursors)) this.cursors.set(name, position);
  }

  /** Throws if `name` is open already or `from` lies beyond the end. */
  reader(name: string, from: 'first' | 'end' | Position): LogReader {
    if (this.open.has(name)) throw new Error(`the log reader ${name} is open already`);
    const { first, end } = this.source.bounds;
    const position = this.cursors.get(name) ?? (from === 'first' ? first : from === 'end' ? end : from);
    if (position > end)
      throw new RangeError(`reader ${name} would start at ${position}, the log ends at ${end}`);
    this.cursors.set(name, position);
    this.dropBefore(first);
    const reader = new Reader(name, this.source, {
      position: () => this.cursors.get(name) as Position,
      advance: (to) => this.cursors.set(name, later(to, this.cursors.get(name) as Position)),
      closed: () => this.open.delete(name),
    });
    this.open.set(name, reader);
    return reader;
  }

  /** The lowest cursor; null if there is none. */
  get lowest(): Position | null {
    const [first, ...others] = this.cursors.values();
    return first === undefined ? null : earliest(first, ...others);
  }

  get positions(): Cursors {
    return Object.fromEntries(this.cursors);
  }

  get lost(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.lostBytes);
  }

  /** Records below `first` are gone. Moves the cursors that stood there; returns what each of them lost, in bytes. */
  dropBefore(first: Position): Readonly<Record<string, number>> {
    const lost: Record<string, number> = {};
    for (const [name, position] of this.cursors) {
      if (position >= first) continue;
      const bytes = this.source.bytesBetween(position, first);
      lost[name] = bytes;
      this.lostBytes.set(name, (this.lostBytes.get(name) ?? 0) + bytes);
      this.cursors.set(name, first);
    }
    return lost;
  }

  /** New records are there. */
  wake(): void {
    for (const reader of this.open.values()) reader.wake();
  }

  closeAll(): void {
    for (const reader of [...this.open.values()]) reader.close();
  }
}

interface Cursor {
  position(): Position;
  advance(position: Position): void;
  closed(): void;
}

class Reader implements LogReader {
  readonly name: string;
  private readonly source: RecordSource;
  private readonly cursor: Cursor;
  /** Where what was handed out ends. */
  private handedOut: Position;
  private wakeUp: (() => void) | null = null;
  private state: 'open' | 'closed' = 'open';

  constructor(name: string, source: RecordSource, cursor: Cursor) {
    this.name = name;
    this.source = source;
    this.cursor = cursor;
    this.handedOut = cursor.position();
  }

  get position(): Position {
    return this.cursor.position();
  }

  async next(maxBytes: number): Promise<readonly LogRecord[]> {
    if (this.wakeUp) throw new Error(`the log reader ${this.name} is waiting already`);
    while (this.state === 'open') {
      const { first, end } = this.source.bounds;
      this.handedOut = later(this.handedOut, first);
      if (this.handedOut >= end) {
        await this.moreRecords();
        continue;
      }
      const records = await this.source.fetch(this.handedOut, maxBytes);
      const last = records.at(-1);
      if (!last) continue;
      this.handedOut = last.end;
      return records;
    }
    return [];
  }

  advance(position: Position): void {
    if (position > this.handedOut) {
      throw new RangeError(
        `reader ${this.name} has been given records up to ${this.handedOut}, not ${position}`,
      );
    }
    this.cursor.advance(position);
  }

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.cursor.closed();
    this.wake();
  }

  wake(): void {
    const { wakeUp } = this;
    this.wakeUp = null;
    wakeUp?.();
  }

  private moreRecords(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeUp = resolve;
    });
  }
}
