/**
 * The telemetry log on files (docs/decisions/0004-log-format.md). Connects the writer thread, the newest records in
 * memory, the segments, the readers and retention. Owns the holds on retention and the state of the whole.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { BatchBuilder } from '../batch.ts';
import {
  type Commit,
  type Durability,
  type FollowedRecord,
  type LogBounds,
  type LogReader,
  type LogRecord,
  type LogStats,
  type Obstacle,
  StoreError,
  type TelemetryLog,
} from '../ports.ts';
import { earliest, numberOf, type Position, START } from '../position.ts';
import type { SegmentReads } from './files.ts';
import { HEADER_BYTES } from './format.ts';
import { CursorStore, type CursorTable, Readers } from './readers.ts';
import { RecentRecords } from './recent-records.ts';
import { readRecords, type SegmentFile } from './recovery.ts';
import { expired, SegmentRemover, Segments } from './segments.ts';
import { SourceTables } from './source-tables.ts';
import { type StartWriter, WriterClient } from './writer-client.ts';

export interface LogOptions {
  /** Of the segment files; made if missing. */
  readonly folder: string;
  readonly segmentBytes: number;
  readonly retentionBytes: number;
  readonly retentionAgeMs: number;
  /** How long a segment stays at least after everybody has passed it. */
  readonly keepMs: number;
  /** Memory for the newest records. */
  readonly recentBytes: number;
  /** The position below which the log is known to have been durable; read at start. */
  readonly floor: () => Promise<Position>;
  readonly cursors: CursorTable;
  /** Starts the thread that writes, and recovers what is there. */
  readonly startWriter: StartWriter;
  /** Reads the files back, and removes them. */
  readonly files: SegmentReads;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Appends wait for this; null: it has passed. `cause`: as the system puts it. */
  readonly onObstacle: (obstacle: Obstacle | null, cause: string) => void;
  /** At most once. */
  readonly onFailure: (error: StoreError) => void;
}

/** Recovery reads the last segment whole. */
const MAX_SEGMENT_BYTES = 1024 * 1024 * 1024;
const RETENTION_CHECK_MS = 60_000;
/** The open segment is closed at this part of the age limit, so that a quiet log grows old too. */
const AGE_PARTS = 8;

export class SegmentedLog implements TelemetryLog {
  readonly durability: Durability = 'power';
  readonly batch = new BatchBuilder();
  private readonly options: LogOptions;
  private readonly segmentBytes: number;
  private readonly sources: SourceTables;
  private readonly readers: Readers;
  private readonly cursorStore: CursorStore;
  private readonly recent: RecentRecords;
  private readonly remover: SegmentRemover;
  private readonly holds = new Map<string, Position>();
  private writer: WriterClient | null = null;
  private segments: Segments;
  private timer: Timer | null = null;
  private state: 'new' | 'open' | 'stopped' = 'new';
  private stopping: Promise<void> | null = null;
  private follower: ((record: FollowedRecord) => void) | null = null;
  /** Where this run's own records begin. */
  private openedAt = START;
  /** In the open segment when everything is written that was appended. */
  private appendedBytes = 0;
  /** `wanted`: when the batch that fills has been appended, the segment is closed. */
  private closing: 'no' | 'wanted' = 'no';
  private commits = 0;
  private syncMilliseconds = 0;

  constructor(options: LogOptions) {
    this.options = options;
    this.segmentBytes = Math.min(options.segmentBytes, MAX_SEGMENT_BYTES);
    this.recent = new RecentRecords(options.recentBytes);
    this.sources = new SourceTables(options.files);
    this.remover = new SegmentRemover(options.files, options.logger);
    this.segments = this.segmentsOf([{ base: 0, bytes: 0, modifiedAt: 0 }]);
    this.readers = new Readers(this);
    this.cursorStore = new CursorStore({
      store: options.cursors,
      positions: () => this.readers.positions,
      clock: options.clock,
      logger: options.logger,
    });
  }

  async start(): Promise<LogBounds> {
    const { folder, floor, startWriter, logger, clock, onObstacle, onFailure } = this.options;
    const { segmentBytes } = this;
    const writer = new WriterClient(
      startWriter,
      { folder, segmentBytes, floor: numberOf(await floor()) },
      {
        committed: (records, milliseconds) => this.committed(records, milliseconds),
        rolled: (base) => this.rolled(base),
        obstructed: onObstacle,
        failed: onFailure,
      },
    );
    const { segments, torn } = await writer.start();
    this.writer = writer;
    if (torn) logger.warn(torn, 'The log ended in a record that was not fully written; it was cut off.');
    this.segments = this.segmentsOf(segments);
    this.appendedBytes = segments.at(-1)?.bytes ?? 0;
    this.readers.restore(await this.cursorStore.start());
    this.timer = clock.every(RETENTION_CHECK_MS, () => this.checkRetention());
    this.state = 'open';
    this.openedAt = this.bounds.end;
    return this.bounds;
  }

  append(...payloads: readonly Uint8Array<ArrayBuffer>[]): Promise<Commit> {
    if (this.state !== 'open' || !this.writer) return Promise.reject(notOpen());
    for (const { length } of payloads) this.appendedBytes += HEADER_BYTES + length;
    const appended = this.writer.append(payloads, this.batch.sources);
    if (this.closing === 'wanted') this.closeSegment();
    else if (this.appendedBytes >= this.segmentBytes) this.beginSegment();
    return appended;
  }

  async reader(name: string, from: 'first' | 'end' | Position): Promise<LogReader> {
    if (this.state !== 'open') throw notOpen();
    return this.readers.reader(name, from);
  }

  async follow(position: Position, follower: (record: FollowedRecord) => void): Promise<void> {
    let at = position;
    // What is committed meanwhile is read too; when nothing is left, the next record comes from `committed`.
    while (at < this.bounds.end) {
      for await (const record of this.read(at)) {
        follower({ ...record, isOwn: record.position >= this.openedAt });
        at = record.end;
      }
    }
    if (this.follower) throw new Error('the log has a follower already');
    this.follower = follower;
  }

  async *read(position: Position): AsyncGenerator<LogRecord> {
    const { end } = this.bounds;
    if (position > end) throw new RangeError(`position ${position} lies beyond the log's end, ${end}`);
    for (let at = position; at < end; ) {
      if (at < this.bounds.first) throw gone(at, this.bounds.first);
      for (const record of await this.fetch(at, Number.POSITIVE_INFINITY)) {
        if (record.position >= end) return;
        at = record.end;
        yield record;
      }
    }
  }

  saveCursors(): Promise<void> {
    return this.cursorStore.flush();
  }

  hold(name: string, position: Position): void {
    this.holds.set(name, position);
  }

  bytesBetween(from: Position, to: Position): number {
    return Math.max(0, numberOf(to) - numberOf(from));
  }

  stats(): LogStats {
    const { bounds, readers, commits, syncMilliseconds } = this;
    const bytes = this.bytesBetween(bounds.first, bounds.end);
    return { ...bounds, segments: this.segments.count, bytes, commits, syncMilliseconds, lost: readers.lost };
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** For the readers. */
  get bounds(): LogBounds {
    return this.segments.bounds;
  }

  /** For the readers: from memory if possible, else from the file. */
  async fetch(position: Position, maxBytes: number): Promise<readonly LogRecord[]> {
    const inMemory = this.recent.from(position, maxBytes);
    if (inMemory) return inMemory;
    const segment = this.segments.holding(numberOf(position));
    const piece = {
      path: this.segments.path(segment),
      base: segment.base,
      from: numberOf(position),
      to: segment.end,
    };
    try {
      return await this.sources.resolve(piece, await readRecords(this.options.files, piece, maxBytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && position < this.bounds.first) return [];
      throw error;
    }
  }

  /** The writer closes a segment that is full when it gets records that name no source of before; the next ones are such. */
  private beginSegment(): void {
    this.appendedBytes = 0;
    this.batch.beginSources();
  }

  /** Whatever its size; the batch that fills belongs into it. */
  private closeSegment(): void {
    this.closing = this.batch.bytes > 0 ? 'wanted' : 'no';
    if (this.closing === 'wanted') return;
    this.writer?.roll();
    this.beginSegment();
  }

  private segmentsOf(files: readonly SegmentFile[]): Segments {
    const { folder, clock, retentionAgeMs } = this.options;
    const longestGap = retentionAgeMs / AGE_PARTS;
    return new Segments(folder, files, { wall: clock.now(), monotonic: clock.monotonic(), longestGap });
  }

  private committed(records: readonly LogRecord[], milliseconds: number): void {
    for (const record of records) {
      this.recent.push(record);
      this.segments.grow(numberOf(record.end));
    }
    while (this.recent.full) this.recent.dropOldest();
    this.commits += records.length;
    this.syncMilliseconds += milliseconds;
    for (const record of records) this.follower?.({ ...record, isOwn: true });
    this.readers.wake();
  }

  private rolled(base: number): void {
    this.segments.roll(base, this.options.clock.monotonic());
    this.dropExpired();
  }

  private checkRetention(): void {
    const { clock, retentionAgeMs } = this.options;
    if (clock.monotonic() - this.segments.last.begunAt > retentionAgeMs / AGE_PARTS) this.closeSegment();
    this.dropExpired();
  }

  private dropExpired(): void {
    const { clock, retentionBytes, retentionAgeMs, keepMs } = this.options;
    const { end } = this.bounds;
    const going = expired(
      this.segments.closed,
      { bytes: retentionBytes, ageMs: retentionAgeMs, keepMs },
      {
        now: clock.monotonic(),
        end: numberOf(end),
        passed: numberOf(this.readers.lowest ?? end),
        held: numberOf(earliest(end, ...this.holds.values())),
      },
    );
    this.remover.remove(going.map((segment) => this.segments.path(segment)));
    this.segments.drop(going.length);
    const lost = this.readers.dropBefore(this.bounds.first);
    for (const [reader, bytes] of Object.entries(lost)) {
      this.options.logger.warn(
        { reader, bytes },
        'Retention removed log records that a reader had not passed.',
      );
    }
  }

  private async shutDown(): Promise<void> {
    this.state = 'stopped';
    this.timer?.cancel();
    await this.writer?.stop();
    this.readers.closeAll();
    await this.cursorStore.stop();
    await this.remover.idle();
  }
}

function notOpen(): StoreError {
  return new StoreError('stopped', 'The log is not open.');
}

function gone(position: Position, first: Position): StoreError {
  return new StoreError(
    'log-gone',
    `Retention has removed position ${position}; the log begins at ${first}.`,
  );
}
