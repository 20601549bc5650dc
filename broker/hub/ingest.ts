/**
 * Commit, then tell. Owns the open batch and what waits for its commit: frames join the batch, the batch is appended
 * to the telemetry log, and only then do state, acknowledgements and events follow, in the order of arrival.
 *
 * Group commit: while one commit is in flight the next batch fills. When frames keep coming, commits start at least
 * `commitSpacing` apart; a lone frame never waits for that.
 */
import type { SourceHandle } from '../store/batch.ts';
import { BatchBuilder } from '../store/batch.ts';
import type { Commit, TelemetryLog } from '../store/ports.ts';
import type { Clock } from '../wire/environment.ts';
import { type DataFrame, FRAME } from '../wire/frames.ts';
import { applyFrame, judgeFrame, reserveColumns, type Taken } from './apply.ts';
import type { Progress } from './boots.ts';
import type { Counters } from './counters.ts';
import type { ClockState, Device } from './device.ts';
import type { EventFeed } from './events.ts';
import type { Fleet } from './fleet.ts';

/** Where a frame comes from; implemented by a session. */
export interface Origin {
  readonly device: Device;
  readonly source: SourceHandle;
  readonly progress: Progress;
  /** Every frame of this origin up to `seq` is durable. */
  durable(seq: number): void;
}

/** What became of a frame: in the batch, known before, or refused; with what it says of the device's clock. */
export type Acceptance = 'accepted' | 'repeated' | 'too-many-metrics' | 'clock-unset' | 'clock-ahead';

const ACCEPTED: Readonly<Record<ClockState, Acceptance>> = {
  ok: 'accepted',
  unset: 'clock-unset',
  ahead: 'clock-ahead',
};

interface Pending extends Taken {
  readonly origin: Origin;
}

/** Somebody who waits until the first `upTo` frames are applied. */
interface Flush {
  readonly upTo: number;
  readonly resolve: () => void;
}

export interface IngestParts {
  readonly log: Pick<TelemetryLog, 'append'>;
  readonly fleet: Fleet;
  readonly events: EventFeed;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly limits: {
    readonly metricsPerDevice: number;
    readonly batchBytes: number;
    readonly commitSpacing: number;
  };
}

export class Ingest {
  private readonly parts: IngestParts;
  private readonly batch = new BatchBuilder();
  private pending: Pending[] = [];
  private waitingForRoom: (() => void)[] = [];
  private flushes: Flush[] = [];
  /** Frames that joined a batch, and frames whose commit was applied. */
  private joined = 0;
  private applied = 0;
  /** Origins that repeated a frame whose first copy is not durable yet, perhaps from an earlier connection. */
  private readonly owed = new Set<Origin>();
  /** `empty` → `scheduled` → `committing` → `empty` or again `scheduled`; `failed` is the end. */
  private state: 'empty' | 'scheduled' | 'committing' | 'failed' = 'empty';
  private lastCommitAt = 0;
  /** Everything before is committed and applied. */
  private appliedTo = 0;

  constructor(parts: IngestParts) {
    this.parts = parts;
  }

  /** The log position up to which state holds everything. */
  get position(): number {
    return this.appliedTo;
  }

  /** After replay, before the first frame. */
  startAt(position: number): void {
    this.appliedTo = position;
  }

  /** The open batch has reached its bytes, or nothing can be committed: read no more until `whenRoom` (P-7.2). */
  get full(): boolean {
    return this.state === 'failed' || this.batch.bytes >= this.parts.limits.batchBytes;
  }

  /** Calls back once after the next commit. */
  whenRoom(resume: () => void): void {
    this.waitingForRoom.push(resume);
  }

  /** Takes one frame in. `bytes` are copied; `frame` is kept until its commit. */
  accept(origin: Origin, frame: DataFrame, bytes: Uint8Array, arrival: number): Acceptance {
    const { counters, limits } = this.parts;
    if (frame.seq !== null && frame.seq <= origin.progress.accepted) return this.repeated(origin);
    const columns = reserveColumns(origin.device, frame, limits.metricsPerDevice);
    if (!columns) return 'too-many-metrics';
    if (frame.seq !== null) origin.progress.accepted = frame.seq;
    this.batch.add(origin.source, arrival, bytes);
    const clock = judgeFrame(frame, arrival);
    this.pending.push({ origin, frame, columns, arrival, clock });
    this.joined += 1;
    counters.framesAccepted += 1;
    counters.bytesReceived += bytes.length;
    countContents(counters, frame);
    if (this.state === 'empty') this.schedule();
    return clock === null || frame.time === null ? 'accepted' : ACCEPTED[clock];
  }

  /** Resolves when every frame accepted so far is committed and applied; at once after a failure. */
  async flushed(): Promise<void> {
    const upTo = this.joined;
    if (this.state === 'failed' || this.applied >= upTo) return;
    await new Promise<void>((resolve) => this.flushes.push({ upTo, resolve }));
  }

  /** P-4.3: acknowledged again at once as far as it is durable, else when the frame that it repeats is. */
  private repeated(origin: Origin): Acceptance {
    this.parts.counters.framesRepeated += 1;
    const { durable, accepted } = origin.progress;
    if (durable > 0) origin.durable(durable);
    if (durable < accepted) this.owed.add(origin);
    return 'repeated';
  }

  private schedule(): void {
    this.state = 'scheduled';
    const wait = this.lastCommitAt + this.parts.limits.commitSpacing - this.parts.clock.now();
    // A turn's frames join the batch before it goes; a lone frame waits for no timer.
    if (wait <= 0) setImmediate(() => this.commit());
    else this.parts.clock.after(wait, () => this.commit());
  }

  private commit(): void {
    const { log, clock } = this.parts;
    const applied = this.pending;
    const bytes = this.batch.bytes;
    this.pending = [];
    this.state = 'committing';
    this.lastCommitAt = clock.now();
    log.append(this.batch.take()).then(
      (commit) => this.committed(commit, applied, bytes),
      // The stores report the failure themselves (Stores.onFailure) and the process ends; nothing more is told.
      () => this.fail(),
    );
    this.makeRoom();
  }

  private committed(commit: Commit, applied: readonly Pending[], bytes: number): void {
    const { counters } = this.parts;
    counters.commits += 1;
    counters.framesCommitted += applied.length;
    counters.bytesCommitted += bytes;
    for (const pending of applied) this.apply(pending);
    this.appliedTo = commit.end;
    for (const origin of this.owed) this.payOwed(origin);
    this.applied += applied.length;
    this.resolveFlushes();
    if (this.pending.length > 0) this.schedule();
    else this.state = 'empty';
  }

  private apply(pending: Pending): void {
    const { fleet, events } = this.parts;
    const { origin, frame } = pending;
    const { device, progress } = origin;
    const event = applyFrame(fleet, device, pending);
    if (event) events.publish(device, event);
    if (frame.seq === null) return;
    if (frame.seq > progress.durable) progress.durable = frame.seq;
    origin.durable(frame.seq);
  }

  private payOwed(origin: Origin): void {
    const { durable, accepted } = origin.progress;
    origin.durable(durable);
    if (durable >= accepted) this.owed.delete(origin);
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
