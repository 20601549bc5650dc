/**
 * A telemetry log that lives as long as its process, for tests and for the engine `memory`. Owns the newest records,
 * bounded in bytes.
 */
import { BatchBuilder } from '../batch.ts';
import { Readers } from '../log/readers.ts';
import { RecentRecords } from '../log/recent-records.ts';
import {
  type Commit,
  type Durability,
  type FollowedRecord,
  type LogBounds,
  type LogReader,
  type LogRecord,
  type LogStats,
  StoreError,
  type TelemetryLog,
} from '../ports.ts';
import { earliest, numberOf, type Position, positionOf, START } from '../position.ts';

export class MemoryLog implements TelemetryLog {
  readonly durability: Durability = 'process';
  batch = new BatchBuilder();
  private readonly recent: RecentRecords;
  private readonly readers: Readers;
  private readonly holds = new Map<string, Position>();
  private state: 'new' | 'open' | 'stopped' = 'new';
  private follower: ((record: FollowedRecord) => void) | null = null;
  /** Where this run's own records begin. */
  private openedAt = START;
  private end = START;
  private commits = 0;

  /** Beyond `maxBytes` the oldest records go, also if a reader has not passed them; only a hold keeps them. */
  constructor(maxBytes: number) {
    this.recent = new RecentRecords(maxBytes);
    this.readers = new Readers(this);
  }

  async start(): Promise<LogBounds> {
    this.state = 'open';
    this.openedAt = this.end;
    return this.bounds;
  }

  async append(...payloads: readonly Uint8Array<ArrayBuffer>[]): Promise<Commit> {
    if (this.state !== 'open') throw notOpen();
    if (payloads.length === 0 || payloads.some(({ length }) => length === 0))
      throw new RangeError('a record holds at least 1 byte');
    const position = this.end;
    const records = payloads.map((payload) => this.store(payload));
    this.commits += records.length;
    this.dropOldest();
    for (const record of records) this.follower?.({ ...record, isOwn: true });
    this.readers.wake();
    return { position, end: this.end };
  }

  private store(payload: Uint8Array<ArrayBuffer>): LogRecord {
    const position = this.end;
    this.end = positionOf(numberOf(position) + payload.length);
    const own = structuredClone(payload, { transfer: [payload.buffer] });
    const record = { position, end: this.end, payload: own, sources: this.batch.sources };
    this.recent.push(record);
    return record;
  }

  async follow(position: Position, follower: (record: FollowedRecord) => void): Promise<void> {
    let at = position;
    while (at < this.end) {
      for await (const record of this.read(at)) {
        follower({ ...record, isOwn: record.position >= this.openedAt });
        at = record.end;
      }
    }
    if (this.follower) throw new Error('the log has a follower already');
    this.follower = follower;
  }

  async reader(name: string, from: 'first' | 'end' | Position): Promise<LogReader> {
    if (this.state !== 'open') throw notOpen();
    return this.readers.reader(name, from);
  }

  async *read(position: Position): AsyncGenerator<LogRecord> {
    const { first, end } = this.bounds;
    if (position > end) throw new RangeError(`position ${position} lies beyond the log's end, ${end}`);
    if (position < first)
      throw new StoreError('log-gone', `position ${position} is gone; the log begins at ${first}`);
    if (position === end) return;
    for (const record of await this.fetch(position, Number.POSITIVE_INFINITY)) {
      if (record.position < end) yield record;
    }
  }

  /** Cursors live as long as the log. */
  async saveCursors(): Promise<void> {}

  hold(name: string, position: Position): void {
    this.holds.set(name, position);
  }

  bytesBetween(from: Position, to: Position): number {
    return Math.max(0, numberOf(to) - numberOf(from));
  }

  stats(): LogStats {
    const { bounds, commits, readers } = this;
    const bytes = this.bytesBetween(bounds.first, bounds.end);
    return { ...bounds, segments: 1, bytes, commits, syncMilliseconds: 0, lost: readers.lost };
  }

  async stop(): Promise<void> {
    this.state = 'stopped';
    this.follower = null;
    // What nobody appended goes, as with the process of a log on a disk.
    this.batch = new BatchBuilder();
    this.readers.closeAll();
  }

  /** For the readers. */
  get bounds(): LogBounds {
    return { first: this.recent.first ?? this.end, end: this.end };
  }

  /** For the readers. */
  async fetch(position: Position, maxBytes: number): Promise<readonly LogRecord[]> {
    const records = this.recent.from(position, maxBytes);
    if (!records) throw new StoreError('log-corrupt', `no record begins at position ${position}`);
    return records;
  }

  private dropOldest(): void {
    const held = earliest(this.end, ...this.holds.values());
    while (this.recent.full && (this.recent.first ?? held) < held) this.recent.dropOldest();
    this.readers.dropBefore(this.bounds.first);
  }
}

function notOpen(): StoreError {
  return new StoreError('stopped', 'The log is not open.');
}
