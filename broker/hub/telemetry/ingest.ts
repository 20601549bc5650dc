/**
 * Commit, then tell. Owns the open batch and what waits for its commit: frames join the batch, the batch is appended
 * to the telemetry log, and only then do state, acknowledgements and events follow, in the order of arrival.
 *
 * Group commit: while one commit is in flight the next batch fills. When frames keep coming, commits start at least
 * `commitSpacing` apart; a lone frame never waits for that, and neither does a batch that is worth a commit: it starts at
 * once, whatever the event loop is at. A batch is bound by what its frames cost in memory (P-2.2), since they stay until the commit.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import { BatchBuilder, type SourceHandle } from '../../store/batch.ts';
import type { Commit, TelemetryLog } from '../../store/ports.ts';
import { type DataFrame, FRAME, type ReportedFrame, type ResultFrame } from '../../wire/frames.ts';
import type { Counters } from '../counters.ts';
import type { ClockState, Device, Progress } from '../fleet/device.ts';
import type { EventFeed } from '../fleet/events.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { StateLimits, StateRefusal } from '../fleet/metrics.ts';
import { applyFrame, judgeFrame, reserveState, type Taken } from './apply.ts';

/** A batch of this cost is committed at once when no commit is in flight: a sync is a small part of what it took. */
const WORTH_A_COMMIT = 2 * 1024 * 1024;

/** Where a frame comes from; implemented by a session. */
export interface Origin {
  readonly device: Device;
  readonly source: SourceHandle;
  readonly progress: Progress;
  /** Every frame of this origin up to `seq` is durable. */
  durable(seq: number): void;
}

/** Frames that are stored like data and change no last-known state (P-5, P-6). */
export type ControlFrame = ResultFrame | ReportedFrame;

/** A control frame whose commit is done. */
export interface CommittedControl {
  readonly device: Device;
  /** The connection that it came from. */
  readonly session: string;
  readonly frame: ControlFrame;
  /** Unix ms. */
  readonly arrival: number;
}

export type ControlListener = (control: CommittedControl) => void;

/** What became of a frame: in the batch, known before, or refused; with what it says of the device's clock. */
export type Acceptance = 'accepted' | 'repeated' | StateRefusal | 'clock-unset' | 'clock-ahead';

const ACCEPTED: Readonly<Record<ClockState, Acceptance>> = {
  ok: 'accepted',
  unset: 'clock-unset',
  ahead: 'clock-ahead',
};

interface Pending extends Taken {
  readonly origin: Origin;
}

/** What one commit holds. */
interface Batch {
  readonly pending: readonly Pending[];
  readonly controls: readonly CommittedControl[];
  readonly bytes: number;
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
  readonly limits: StateLimits & {
    readonly batchBytes: number;
    readonly commitSpacing: number;
  };
}

export class Ingest {
  private readonly parts: IngestParts;
  private readonly batch = new BatchBuilder();
  private pending: Pending[] = [];
  /** Of the frames in the open batch. */
  private cost = 0;
  private scheduled: Timer | null = null;
  private controls: CommittedControl[] = [];
  private controlListener: ControlListener = () => {};
  private waitingForRoom: (() => void)[] = [];
  private flushes: Flush[] = [];
  /** Frames that joined a batch, and frames whose commit was applied. */
  private joined = 0;
  private applied = 0;
  /** Origins that repeated a frame whose first copy is not durable yet, perhaps from an earlier connection. */
  private readonly owed = new Set<Origin>();
  /** `empty` → `scheduled` → `committing` → `empty` or again `scheduled`; `failed` is the end. */
  private state: 'empty' | 'scheduled' | 'committing' | 'failed' = 'empty';
  /** Monotonic ms. */
  private lastCommitAt = Number.NEGATIVE_INFINITY;
  /** Everything before is committed and applied. */
  private appliedTo = 0;

  constructor(parts: IngestParts) {
    this.parts = parts;
  }

  /** The log position up to which state holds everything. */
  get position(): number {
    return this.appliedTo;
  }

  /** During the replay, and at its end; before the first frame. */
  startAt(position: number): void {
    this.appliedTo = position;
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
    origin: Origin,
    frame: DataFrame,
    bytes: Uint8Array,
    arrival: number,
    cost = bytes.length,
  ): Acceptance {
    const { counters, limits } = this.parts;
    if (frame.seq !== null && frame.seq <= origin.progress.accepted) return this.repeated(origin);
    const columns = reserveState(origin.device, frame, arrival, limits);
    if (typeof columns === 'string') return columns;
    if (frame.seq !== null) origin.progress.accepted = frame.seq;
    this.batch.add(origin.source, arrival, bytes);
    const clock = judgeFrame(frame, arrival);
    this.pending.push({ origin, frame, columns, arrival, clock });
    countContents(counters, frame);
    this.took(bytes.length, cost);
    return clock === null ? 'accepted' : ACCEPTED[clock];
  }

  /** Takes a result or a reported frame in; the listener hears of it after the commit. `bytes` are copied. */
  acceptControl(
    origin: Pick<Origin, 'device' | 'source'> & { readonly session: string },
    frame: ControlFrame,
    bytes: Uint8Array,
    arrival: number,
    cost = bytes.length,
  ): void {
    const { device, session } = origin;
    this.batch.add(origin.source, arrival, bytes);
    this.controls.push({ device, session, frame, arrival });
    this.took(bytes.length, cost);
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
  private repeated(origin: Origin): Acceptance {
    this.parts.counters.framesRepeated += 1;
    const { durable, accepted } = origin.progress;
    if (durable > 0) origin.durable(durable);
    if (durable < accepted) this.owed.add(origin);
    return 'repeated';
  }

  private took(bytes: number, cost: number): void {
    const { counters } = this.parts;
    this.joined += 1;
    counters.framesAccepted += 1;
    counters.bytesReceived += bytes;
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
    else this.scheduled = wait <= 0 ? soon(commit) : this.parts.clock.after(wait, commit);
  }

  private commit(): void {
    const { log, clock } = this.parts;
    const { pending, controls } = this;
    const bytes = this.batch.bytes;
    this.pending = [];
    this.controls = [];
    this.cost = 0;
    this.scheduled?.cancel();
    this.scheduled = null;
    this.state = 'committing';
    this.lastCommitAt = clock.monotonic();
    log.append(this.batch.take()).then(
      (commit) => this.committed(commit, { pending, controls, bytes }),
      // The stores report the failure themselves (Stores.onFailure) and the process ends; nothing more is told.
      () => this.fail(),
    );
    this.makeRoom();
  }

  private committed(commit: Commit, { pending, controls, bytes }: Batch): void {
    const { counters } = this.parts;
    const frames = pending.length + controls.length;
    counters.commits += 1;
    counters.framesCommitted += frames;
    counters.bytesCommitted += bytes;
    for (const one of pending) this.apply(one, commit.end);
    this.appliedTo = commit.end;
    for (const control of controls) this.controlListener(control);
    for (const origin of this.owed) this.payOwed(origin);
    this.applied += frames;
    this.resolveFlushes();
    if (this.joined > this.applied) this.schedule();
    else this.state = 'empty';
  }

  private apply(pending: Pending, end: number): void {
    const { fleet, events } = this.parts;
    const { origin, frame } = pending;
    const { device, progress } = origin;
    const event = applyFrame(fleet, device, pending, end);
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

/** When the loop has polled. */
function soon(run: () => void): Timer {
  const immediate = setImmediate(run);
  return { cancel: () => clearImmediate(immediate) };
}

function countContents(counters: Counters, frame: DataFrame): void {
  if (frame.kind === FRAME.telemetry) counters.samples += 1;
  else if (frame.kind === FRAME.batch) counters.samples += frame.samples.length;
  else counters.events += 1;
}
