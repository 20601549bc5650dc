/**
 * One job that is not over: gives targets their turn as the rules and the rate allow, and follows their commands. Command
 * ids are `<job>.<index>`, so a restart that asks again asks for the same commands. Owns the job's state, and its pace: when
 * the next command may go.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Command } from '../commands/command.ts';
import type { CommandService } from '../commands/commands.ts';
import { isShare } from '../commands/creation.ts';
import { HubRefusal } from '../refusal.ts';
import type { Job } from './job.ts';
import { JobProgress, type TargetStatus } from './progress.ts';
import { jobOf, type StoredJob } from './record.ts';
import { isOver, type JobState, mayBegin, nextState } from './rules.ts';

/** How much a process that was busy may catch up; ms. */
const LEEWAY = 100;
/** Longer waits are done in parts: timers take 31 bits of ms. */
const LONGEST = 3_600_000;

/**
 * So many commands a second, spread evenly. Time that passed unused is gone, or a job that waited for its canary would go on
 * with a flood. Owns when the next one may go, and the timer that waits for it.
 */
export class Pace {
  private readonly clock: Clock;
  /** ms from one to the next. */
  private readonly distance: number;
  /** Monotonic ms. */
  private nextAt = Number.NEGATIVE_INFINITY;
  private timer: Timer | null = null;

  /** `rate`: a second; null: as fast as they go. */
  constructor(rate: number | null, clock: Clock) {
    this.clock = clock;
    this.distance = rate === null ? 0 : 1000 / rate;
  }

  /** Whether the next one may go now; if so, it counts. */
  tryNext(): boolean {
    const now = this.clock.monotonic();
    if (this.nextAt > now) return false;
    this.nextAt = Math.max(this.nextAt, now - LEEWAY) + this.distance;
    return true;
  }

  /** None goes for so long; ms. */
  hold(milliseconds: number): void {
    this.nextAt = Math.max(this.nextAt, this.clock.monotonic() + milliseconds);
  }

  /** Calls back when it is worth another try; one call at a time. */
  wait(again: () => void): void {
    const milliseconds = Math.min(LONGEST, Math.max(0, this.nextAt - this.clock.monotonic()));
    this.timer ??= this.clock.after(milliseconds, () => {
      this.timer = null;
      again();
    });
  }

  /** Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}

export interface RunnerParts {
  readonly commands: Pick<CommandService, 'issue' | 'cancel'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The state has changed, or the job is over. */
  readonly changed: (runner: JobRunner, what: 'progress' | 'state') => void;
}

/** Requests that wait for the store at once. */
const CONCURRENT = 64;
/** How long a job waits when the share of its customer or key is used up; ms. */
const NO_ROOM = 1000;
/** Who takes a command back if nobody is known to have. */
const BROKER = 'broker';
/** What no device has accepted yet, and a cancelled job takes back. */
const WAITING: readonly TargetStatus[] = ['queued', 'written'];

export class JobRunner {
  readonly progress: JobProgress;
  private readonly parts: RunnerParts;
  private readonly stored: StoredJob;
  private readonly refusals: Map<number, string>;
  private state: JobState;
  private endedAt: number | null;
  /** The first target that has not had its turn, at the earliest. */
  private next = 0;
  private issuing = 0;
  private readonly pace: Pace;
  /** What it waits for while it runs; null: nothing. */
  private waitingFor: string | null = null;
  /** How often a device's turn was put off. */
  private putOffs = 0;
  private life: 'new' | 'running' | 'stopped' = 'new';

  constructor(stored: StoredJob, parts: RunnerParts) {
    this.parts = parts;
    this.stored = stored;
    this.state = stored.state;
    this.endedAt = stored.endedAt;
    this.refusals = new Map(stored.refusals);
    this.pace = new Pace(stored.state.request.rate, parts.clock);
    this.progress = new JobProgress(stored.targets.length, stored.state.request.canary);
    for (const index of this.refusals.keys()) this.progress.set(index, 'refused');
  }

  get id(): string {
    return this.stored.id;
  }

  get job(): Job {
    const job = jobOf(this.record);
    return { ...job, reason: job.reason ?? this.waitingFor };
  }

  /** For the store. */
  get record(): StoredJob {
    const { stored, state, endedAt, refusals, progress } = this;
    return { ...stored, state, endedAt, refusals, counts: progress.counts(), issued: progress.issued };
  }

  /** Once what the store knows of its commands was taken in (`follow`). */
  start(): void {
    this.life = 'running';
    this.advance();
    // The broker may have ended between the word that it is cancelled and the deed.
    if (this.state.status === 'cancelled') this.watch(this.cancelWaiting());
  }

  /** Idempotent; commands that were asked for go on. */
  stop(): void {
    this.life = 'stopped';
    this.pace.stop();
  }

  /** A command of this job took a step, or is found in the store. */
  follow({ id, status }: Command): void {
    this.progress.set(Number(id.slice(this.id.length + 1)), status);
    if (this.life === 'running') this.advance();
  }

  /** From now on no further target has its turn. */
  cancel(by: string): void {
    this.become({
      ...this.state,
      status: 'cancelled',
      reason: `It was cancelled by key ${by}.`,
      cancelledBy: by,
    });
    this.advance();
  }

  /** Cancels what no device has accepted; durable when it resolves. All at once, so that the store takes it in groups. */
  async cancelWaiting(): Promise<void> {
    await Promise.all([...this.progress.in(...WAITING)].map((index) => this.cancelCommand(index)));
  }

  resume(): void {
    const baseline = { ...this.progress.all };
    this.become({ ...this.state, status: 'running', reason: null, baseline });
    this.advance();
  }

  private async cancelCommand(index: number): Promise<void> {
    const { request, cancelledBy } = this.state;
    try {
      await this.parts.commands.cancel(request.select.customer, this.commandId(index), cancelledBy ?? BROKER);
    } catch (error) {
      // One that has ended in this moment is as it should be.
      if (!(error instanceof HubRefusal)) throw error;
    }
  }

  private commandId(index: number): string {
    return `${this.id}.${index}`;
  }

  /** Whatever follows from where it stands. */
  private advance(): void {
    const next = nextState(this.state, this.progress);
    if (next !== this.state) this.become(next);
    if (isOver(this.state, this.progress)) this.end();
    else this.begin();
  }

  private become(state: JobState): void {
    this.state = state;
    this.parts.changed(this, 'state');
  }

  private end(): void {
    if (this.endedAt !== null) return;
    this.endedAt = this.parts.clock.now();
    this.stop();
    this.parts.changed(this, 'state');
  }

  private begin(): void {
    const limit = mayBegin(this.state, this.progress);
    while (this.life === 'running' && this.issuing < CONCURRENT) {
      while (this.next < limit && this.progress.status(this.next) !== null) this.next += 1;
      if (this.next >= limit) return;
      if (!this.pace.tryNext()) {
        this.pace.wait(() => this.begin());
        return;
      }
      this.issue(this.next);
    }
  }

  private issue(index: number): void {
    this.issuing += 1;
    this.progress.set(index, 'issuing');
    const asked = this.ask(index).finally(() => {
      this.issuing -= 1;
      if (this.life === 'running') this.advance();
    });
    this.watch(asked);
  }

  private watch(work: Promise<void>): void {
    inBackground(work, this.parts.logger, 'A job could not go on.', { job: this.id });
  }

  private async ask(index: number): Promise<void> {
    const { select, name, args, ttl, supersede, by } = this.state.request;
    const { putOffs } = this;
    try {
      const { command } = await this.parts.commands.issue({
        customer: select.customer,
        device: this.stored.targets[index] ?? '',
        name,
        args,
        ttl,
        id: this.commandId(index),
        supersede,
        whenFull: 'refuse',
        job: this.id,
        by,
      });
      if (putOffs === this.putOffs) this.waitingFor = null;
      // Its steps may have been told already.
      if (this.progress.status(index) === 'issuing') this.progress.set(index, command.status);
      const isLate = this.state.status === 'cancelled' && WAITING.includes(this.progress.status(index));
      if (isLate) await this.cancelCommand(index);
    } catch (error) {
      if (!(error instanceof HubRefusal)) throw error;
      if (isShare(error)) return this.putOff(index, error);
      this.refusals.set(index, error.message);
      this.progress.set(index, 'refused');
    }
    this.parts.changed(this, 'progress');
  }

  /** There is no room in a share: the device keeps its turn, and the job waits until some commands have ended. */
  private putOff(index: number, refusal: HubRefusal): void {
    this.progress.release(index);
    this.next = Math.min(this.next, index);
    this.putOffs += 1;
    this.waitingFor = `It waits for room. ${refusal.message}`;
    this.pace.hold(NO_ROOM);
  }
}
