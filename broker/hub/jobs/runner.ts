/**
 * One job that is not over: gives targets their turn as the rules and the rate allow, and follows their commands. Command
 * ids are `<job>.<index>`, so a restart that asks again asks for the same commands. Owns the job's state.
 */
import type { Clock, Log, Timer } from '../../wire/environment.ts';
import type { Command, CommandDesk } from '../commands/command.ts';
import { HubRefusal } from '../refusal.ts';
import type { Job } from './job.ts';
import { Progress } from './progress.ts';
import { jobOf, type StoredJob } from './record.ts';
import { isOver, type JobState, mayBegin, nextState } from './rules.ts';

export interface RunnerParts {
  readonly commands: Pick<CommandDesk, 'issue' | 'cancel'>;
  readonly clock: Clock;
  readonly logger: Log;
  /** The state has changed, or the job is over. */
  readonly changed: (runner: JobRunner, what: 'progress' | 'state') => void;
}

/** Wishes that wait for the store at once. */
const CONCURRENT = 64;

export class JobRunner {
  readonly progress: Progress;
  private readonly parts: RunnerParts;
  private readonly stored: StoredJob;
  private readonly refusals: Map<number, string>;
  private state: JobState;
  private endedAt: number | null;
  /** The first target that has not had its turn, at the earliest. */
  private next = 0;
  private issuing = 0;
  /** When the rate allows the next one; Unix ms. */
  private nextAt = 0;
  private timer: Timer | null = null;
  private life: 'new' | 'running' | 'stopped' = 'new';

  constructor(stored: StoredJob, parts: RunnerParts) {
    this.parts = parts;
    this.stored = stored;
    this.state = stored.state;
    this.endedAt = stored.endedAt;
    this.refusals = new Map(stored.refusals);
    this.progress = new Progress(stored.targets.length, stored.state.wish.canary);
    for (const index of this.refusals.keys()) this.progress.set(index, 'refused');
  }

  get id(): string {
    return this.stored.id;
  }

  get job(): Job {
    return jobOf(this.record);
  }

  /** For the store. */
  get record(): StoredJob {
    const { stored, state, endedAt, refusals, progress } = this;
    return { ...stored, state, endedAt, refusals, counts: progress.counts(), issued: progress.begun };
  }

  refusal(index: number): string | null {
    return this.refusals.get(index) ?? null;
  }

  /** Once what the store knows of its commands was taken in (`follow`). */
  start(): void {
    this.life = 'running';
    this.nextAt = this.parts.clock.now();
    this.advance();
  }

  /** Idempotent; commands that were asked for go on. */
  stop(): void {
    this.life = 'stopped';
    this.timer?.cancel();
    this.timer = null;
  }

  /** A command of this job took a step, or is found in the store. */
  follow({ id, status }: Command): void {
    this.progress.set(Number(id.slice(this.id.length + 1)), status);
    if (this.life === 'running') this.advance();
  }

  /** No further target has its turn; what waits is taken back. Resolves when that is durable. */
  async cancel(by: string): Promise<void> {
    const waiting = [...this.progress.in('queued', 'written')];
    this.become({ ...this.state, status: 'cancelled', reason: `It was cancelled by key ${by}.` });
    for (const index of waiting) await this.takeBack(index, by);
    this.advance();
  }

  resume(): void {
    const baseline = { ...this.progress.all };
    this.become({ ...this.state, status: 'running', reason: null, baseline });
    this.advance();
  }

  private async takeBack(index: number, by: string): Promise<void> {
    const { commands } = this.parts;
    // One that has ended in this moment is as it should be.
    await commands.cancel(this.state.wish.select.customer, this.commandId(index), by).catch(unlessRefused);
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
    const { clock } = this.parts;
    const limit = mayBegin(this.state, this.progress);
    while (this.life === 'running' && this.issuing < CONCURRENT) {
      while (this.next < limit && this.progress.status(this.next) !== null) this.next += 1;
      if (this.next >= limit) return;
      if (this.nextAt > clock.now()) {
        this.wait(this.nextAt - clock.now());
        return;
      }
      const { rate } = this.state.wish;
      if (rate !== null) this.nextAt = Math.max(this.nextAt, clock.now() - 1000) + 1000 / rate;
      this.issue(this.next);
    }
  }

  private wait(milliseconds: number): void {
    this.timer ??= this.parts.clock.after(milliseconds, () => {
      this.timer = null;
      this.begin();
    });
  }

  private issue(index: number): void {
    this.issuing += 1;
    this.progress.set(index, 'issuing');
    this.ask(index)
      .catch((error: unknown) => {
        // The store reports its failure itself, and the process ends (Stores.onFailure).
        this.parts.logger.error({ err: error, job: this.id }, 'A command of a job was not made.');
      })
      .finally(() => {
        this.issuing -= 1;
        if (this.life === 'running') this.advance();
      });
  }

  private async ask(index: number): Promise<void> {
    const { select, name, args, ttl, supersede, by } = this.state.wish;
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
      // Its steps may have been told already.
      if (this.progress.status(index) === 'issuing') this.progress.set(index, command.status);
      if (this.state.status === 'cancelled') await this.takeBack(index, by);
    } catch (error) {
      if (!(error instanceof HubRefusal)) throw error;
      this.refusals.set(index, error.message);
      this.progress.set(index, 'refused');
    }
    this.parts.changed(this, 'progress');
  }
}

function unlessRefused(error: unknown): null {
  if (error instanceof HubRefusal) return null;
  throw error;
}
