/**
 * Commit, then tell: frames join a batch, the batch is appended to the log, and only when it comes back out of the log do
 * state, acknowledgements and events follow. Every record enters by that door, in log order: this broker's own, and those
 * of an earlier life. Owns the open batch and what waits for its commit. While one commit is in flight the next batch
 * fills. When frames keep coming, commits start at least `commitSpacing` apart, but for a lone frame and a batch that is
 * worth a commit. A batch is bounded by what its frames cost in memory (P-2.2), where they stay until the commit.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { BatchBuilder, SessionEvent, SourceHandle } from '../../store/batch.ts';
import type { FollowedRecord, LogRecord, TelemetryLog } from '../../store/ports.ts';
import { type Position, START } from '../../store/position.ts';
import { type DataFrame, FRAME, type HelloFrame } from '../../wire/frames.ts';
import type { Counters } from '../counters.ts';
import type { ClockState, Device } from '../fleet/device.ts';
import type { EventFeed } from '../fleet/events.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { StateLimits, StateRefusal } from '../fleet/metrics.ts';
import {
  applyFrame,
  applyHello,
  applySession,
  type ControlFrame,
  type FrameSource,
  judgeFrame,
  type LogEntry,
  reserveState,
  type SessionChange,
  tellEnd,
} from './apply.ts';

/** A batch of this cost is committed at once when no commit is in flight: a sync is a small part of what it took. */
const WORTH_A_COMMIT = 2 * 1024 * 1024;
/** What the word of a session that came or went costs in memory until its commit, about. */
const SESSION_COST = 512;

/** A source whose frames can join the batch; implemented by a session. */
export interface LiveSource extends FrameSource {
  readonly source: SourceHandle;
}

/** A control frame of the log. */
export interface CommittedControl {
  readonly device: Device;
  /** The connection that it came from. */
  readonly session: string;
  readonly frame: ControlFrame;
  /** Unix ms. */
  readonly arrival: number;
  /** Whoever holds the log up to beyond it has this frame already. */
  readonly position: Position;
}

export type ControlListener = (control: CommittedControl) => void;

/** What became of a frame: in the batch, known before, or refused; with what it says of the device's clock. */
export type Acceptance = 'accepted' | 'repeated' | StateRefusal | 'clock-unset' | 'clock-ahead';

const ACCEPTED: Readonly<Record<ClockState, Acceptance>> = {
  ok: 'accepted',
  unset: 'clock-unset',
  ahead: 'clock-ahead',
};

/** What one append holds. */
interface Batch {
  readonly entries: readonly LogEntry[];
  /** Of those, frames that are counted. */
  readonly frames: number;
  readonly bytes: number;
  /** Those that are not back yet. */
  records: number;
}

/** Decodes a record that is not this run's own. */
export type RecordReader = (record: LogRecord) => readonly LogEntry[];

/** Somebody who waits until the first `upTo` entries are applied. */
interface Flush {
  readonly upTo: number;
  readonly resolve: () => void;
}

export interface IngestParts {
  readonly log: Pick<TelemetryLog, 'append' | 'batch' | 'follow'>;
  readonly fleet: Fleet;
  readonly events: EventFeed;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly limits: StateLimits & {
    readonly batchBytes: number;
    readonly commitSpacing: number;
  };
}

export class Ingest {
  private readonly parts: IngestParts;
  private readonly batch: BatchBuilder;
  private entries: LogEntry[] = [];
  private frames = 0;
  /** Appended and not back yet, oldest first. */
  private readonly inFlight: Batch[] = [];
  /** Of the frames in the open batch. */
  private cost = 0;
  private scheduled: Timer | null = null;
  private controlListener: ControlListener = () => {};
  private waitingForRoom: (() => void)[] = [];
  private flushes: Flush[] = [];
  /** Entries that joined a batch, and entries that were applied. */
  private joined = 0;
  private applied = 0;
  /** Sources that repeated a frame whose first copy is not durable yet, perhaps from an earlier connection. */
  private readonly owed = new Set<FrameSource>();
  /** `empty` → `scheduled` → `committing` → `empty` or again `scheduled`; `failed` is the end. */
  private state: 'empty' | 'scheduled' | 'committing' | 'failed' = 'empty';
  /** Monotonic ms. */
  private lastCommitAt = Number.NEGATIVE_INFINITY;
  /** Whether anything can be committed now. */
  private disk: 'open' | 'obstructed' = 'open';
  /** Everything before is committed and applied. */
  private appliedTo = START;

  constructor(parts: IngestParts) {
    this.parts = parts;
    this.batch = parts.log.batch;
  }

  /** The log position up to which state holds everything. */
  get position(): Position {
    return this.appliedTo;
  }

  /**
   * Applies every record of the log from `position` on. Resolves when those that are there have been applied; before the first
   * frame is accepted.
   */
  follow(position: Position, read: RecordReader): Promise<void> {
    this.appliedTo = position;
    return this.parts.log.follow(position, (record) => {
      if (record.isOwn) this.committed(record);
      else this.replayed(record, read(record));
    });
  }

  /** The open batch has reached its bound, or nothing can be committed: read no more until `whenRoom` (P-7.2). */
  get full(): boolean {
    return this.state === 'failed' || Math.max(this.cost, this.batch.bytes) >= this.parts.limits.batchBytes;
  }

  /** Calls back once after the next commit. */
  whenRoom(resume: () => void): void {
    this.waitingForRoom.push(resume);
  }

  /** Takes one frame in. `bytes` are copied; `frame`, of this cost in memory (P-2.2), is kept until its commit. */
  accept(
    source: LiveSource,
    frame: DataFrame,
    bytes: Uint8Array,
    arrival: number,
    cost = bytes.length,
  ): Acceptance {
    const { counters, limits } = this.parts;
    if (frame.seq !== null && frame.seq <= source.progress.accepted) return this.repeated(source);
    const columns = reserveState(source.device, frame, arrival, limits);
    if (typeof columns === 'string') return columns;
    if (frame.seq !== null) source.progress.accepted = frame.seq;
    this.batch.add(source.source, arrival, bytes);
    const clock = judgeFrame(frame, arrival);
    this.entries.push({ kind: 'data', source, frame, arrival, columns, clock });
    countContents(counters, frame);
    this.countFrame(bytes.length);
    this.joinedBatch(cost);
    return clock === null ? 'accepted' : ACCEPTED[clock];
  }

  /** Takes a result or a reported frame in; the listener hears of it after the commit. `bytes` are copied. */
  acceptControl(
    source: LiveSource,
    frame: ControlFrame,
    bytes: Uint8Array,
    arrival: number,
    cost = bytes.length,
  ): void {
    this.batch.add(source.source, arrival, bytes);
    this.entries.push({ kind: 'control', source, frame, arrival });
    this.countFrame(bytes.length);
    this.joinedBatch(cost);
  }

  /** Takes in what a device says of itself (P-3.2); it holds when it is applied. `bytes` are copied. */
  acceptHello(
    source: LiveSource,
    frame: HelloFrame,
    bytes: Uint8Array,
    arrival: number,
    cost = bytes.length,
  ): void {
    this.batch.add(source.source, arrival, bytes);
    this.entries.push({ kind: 'hello', source, frame });
    this.joinedBatch(cost);
  }

  /** Takes in what became of a session; everybody hears of it when it is applied. */
  acceptSession(source: LiveSource, event: SessionEvent, at: number): void {
    this.batch.addSession(source.source, at, event);
    const change: SessionChange = { kind: 'session', source, at, event };
    this.entries.push(change);
    if (this.disk === 'obstructed') this.applyEnd(change);
    this.joinedBatch(SESSION_COST);
  }

  /**
   * Nothing can be committed for a while, or again it can. Whose connection is over is told to be away at once, for it must not
   * be shown as connected until there is room on a disk; the record follows, and changes nothing then.
   */
  obstructed(isObstructed: boolean): void {
    this.disk = isObstructed ? 'obstructed' : 'open';
    if (!isObstructed) return;
    const waiting = [...this.inFlight.map(({ entries }) => entries), this.entries].flat();
    for (const entry of waiting) if (entry.kind === 'session') this.applyEnd(entry);
  }

  /** The one listener of control frames; they come in the order of arrival. */
  onControl(listener: ControlListener): void {
    this.controlListener = listener;
  }

  /** Resolves when every frame accepted so far is committed and applied; at once after a failure. */
  async flushed(): Promise<void> {
    const upTo = this.joined;
    if (this.state === 'failed' || this.applied >= upTo) return;
    await new Promise<void>((resolve) => this.flushes.push({ upTo, resolve }));
  }

  /** P-4.3: acknowledged again at once as far as it is durable, else when the frame that it repeats is. */
  private repeated(source: FrameSource): Acceptance {
    this.parts.counters.framesRepeated += 1;
    const { durable, accepted } = source.progress;
    if (durable > 0) source.durable(durable);
    if (durable < accepted) this.owed.add(source);
    return 'repeated';
  }

  private countFrame(bytes: number): void {
    const { counters } = this.parts;
    this.frames += 1;
    counters.framesAccepted += 1;
    counters.bytesReceived += bytes;
  }

  private joinedBatch(cost: number): void {
    this.joined += 1;
    this.cost += cost;
    if (this.state === 'empty') this.schedule();
    else if (this.state === 'scheduled' && this.cost >= WORTH_A_COMMIT) this.commit();
  }

  private schedule(): void {
    this.state = 'scheduled';
    const wait = this.lastCommitAt + this.parts.limits.commitSpacing - this.parts.clock.monotonic();
    // A turn's frames join the batch before it goes; a lone frame waits for no timer.
    const commit = () => this.commit();
    if (this.cost >= WORTH_A_COMMIT) commit();
    else this.scheduled = wait <= 0 ? this.parts.clock.soon(commit) : this.parts.clock.after(wait, commit);
  }

  private commit(): void {
    const { log, clock } = this.parts;
    const { entries, frames } = this;
    const { bytes } = this.batch;
    const payloads = this.batch.take();
    this.inFlight.push({ entries, frames, bytes, records: payloads.length });
    this.entries = [];
    this.frames = 0;
    this.cost = 0;
    this.scheduled?.cancel();
    this.scheduled = null;
    this.state = 'committing';
    this.lastCommitAt = clock.monotonic();
    // When it is durable it comes out of the log. The stores report a failure themselves (Stores.onFailure), and the process
    // ends; nothing more is told.
    log.append(...payloads).catch(() => this.fail());
    this.makeRoom();
  }

  /** An own record: its frames were decoded when they were accepted. All records of a batch come in one turn. */
  private committed(record: FollowedRecord): void {
    const { counters } = this.parts;
    const [batch] = this.inFlight;
    if (!batch)
      throw new Error(`The record at ${record.position} of the log was not appended by this broker.`);
    batch.records -= 1;
    if (batch.records > 0) return;
    this.inFlight.shift();
    const { entries, frames, bytes } = batch;
    counters.commits += 1;
    counters.framesCommitted += frames;
    counters.bytesCommitted += bytes;
    this.apply(entries, record.end);
    this.appliedTo = record.end;
    this.publishControls(entries, record.end);
    for (const source of this.owed) this.payOwed(source);
    this.applied += entries.length;
    this.resolveFlushes();
    if (this.joined > this.applied) this.schedule();
    else this.state = 'empty';
  }

  /** What is saved while control frames are told does not say that it holds the others of their record. */
  private replayed({ position, end }: LogRecord, entries: readonly LogEntry[]): void {
    this.apply(entries, end);
    this.appliedTo = position;
    this.publishControls(entries, position);
    this.appliedTo = end;
  }

  private apply(entries: readonly LogEntry[], end: Position): void {
    const { fleet, events } = this.parts;
    for (const entry of entries) {
      const { source } = entry;
      if (entry.kind === 'data') {
        const event = applyFrame(fleet, entry, end);
        if (event) events.publish(source.device, event);
        if (entry.frame.seq !== null) source.durable(source.progress.durable);
      } else if (entry.kind === 'session') applySession(fleet, entry, end);
      else if (entry.kind === 'hello') {
        applyHello(fleet, entry, end);
        source.introduced();
      }
    }
  }

  private applyEnd(change: SessionChange): void {
    if (change.event.type === 'ended') tellEnd(this.parts.fleet, change);
  }

  private publishControls(entries: readonly LogEntry[], position: Position): void {
    for (const entry of entries) {
      if (entry.kind !== 'control') continue;
      const { source, frame, arrival } = entry;
      const { device, session } = source;
      this.controlListener({ device, session, frame, arrival, position });
    }
  }

  private payOwed(source: FrameSource): void {
    const { durable, accepted } = source.progress;
    source.durable(durable);
    if (durable >= accepted) this.owed.delete(source);
  }

  private fail(): void {
    this.state = 'failed';
    this.applied = this.joined;
    this.resolveFlushes();
  }

  private resolveFlushes(): void {
    const done = this.flushes.filter(({ upTo }) => upTo <= this.applied);
    if (done.length === 0) return;
    this.flushes = this.flushes.filter(({ upTo }) => upTo > this.applied);
    for (const { resolve } of done) resolve();
  }

  private makeRoom(): void {
    const waiting = this.waitingForRoom;
    this.waitingForRoom = [];
    for (const resume of waiting) resume();
  }
}

function countContents(counters: Counters, frame: DataFrame): void {
  if (frame.kind === FRAME.telemetry) counters.samples += 1;
  else if (frame.kind === FRAME.batch) counters.samples += frame.samples.length;
  else counters.events += 1;
}
