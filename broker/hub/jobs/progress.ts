/**
 * Follows how far a job has come, device by device, and says what became of one device: from its command, or from why it
 * has none. Owns the statuses and their sums; a change costs the same in a job of any size.
 */
import { type CommandStatus, isFinal } from '../commands/command.ts';
import type { CommandService } from '../commands/commands.ts';
import type { Job, JobOutcome } from './job.ts';

export interface JobTarget {
  readonly job: Job;
  readonly index: number;
  /** Target index → why no command could be made. */
  readonly refusals: ReadonlyMap<number, string>;
}

export async function outcomeOf(
  commands: Pick<CommandService, 'find'>,
  { job, index, refusals }: JobTarget,
): Promise<JobOutcome> {
  const device = job.targets[index] ?? '';
  const refusal = refusals.get(index);
  if (refusal !== undefined) return { device, status: 'refused', reason: refusal, command: null };
  const [command] = await commands.find(job.request.select.customer, `${job.id}.${index}`);
  if (!command) {
    const isOver = job.status === 'cancelled' || job.endedAt !== null;
    return { device, status: isOver ? 'skipped' : 'waiting', reason: job.reason, command: null };
  }
  const reason = command.timeline.findLast(({ late }) => !late)?.reason ?? null;
  return { device, status: command.status, reason, command };
}

/** `issuing`: it is being asked for. null: its turn has not come. */
export type TargetStatus = CommandStatus | 'refused' | 'issuing' | null;

export interface OutcomeCount {
  /** Targets whose command has ended, or could not be made. */
  ended: number;
  /** Of these, the ones that did not end as `done`. */
  failures: number;
}

export class JobProgress {
  readonly all: OutcomeCount = { ended: 0, failures: 0 };
  /** Of the first few. */
  readonly canary: OutcomeCount = { ended: 0, failures: 0 };
  private readonly statuses: TargetStatus[];
  private readonly canarySize: number;
  private readonly byStatus = new Map<CommandStatus | 'refused' | 'issuing', number>();

  constructor(targets: number, canarySize: number) {
    this.statuses = Array.from({ length: targets }, () => null);
    this.canarySize = canarySize;
  }

  get size(): number {
    return this.statuses.length;
  }

  /** Targets whose turn has come. */
  get begun(): number {
    return [...this.byStatus.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Targets that have a command, or are refused one. */
  get issued(): number {
    return this.begun - (this.byStatus.get('issuing') ?? 0);
  }

  status(index: number): TargetStatus {
    return this.statuses[index] ?? null;
  }

  /** What has ended stays as it is, whatever an older look at the store says. */
  set(index: number, status: Exclude<TargetStatus, null>): void {
    const before = this.status(index);
    if (before === status || hasEnded(before) || !(index >= 0 && index < this.size)) return;
    this.count(index, before, -1);
    this.statuses[index] = status;
    this.count(index, status, 1);
  }

  /** It was being asked for and could not be yet: its turn comes again. */
  release(index: number): void {
    if (this.status(index) !== 'issuing') return;
    this.count(index, 'issuing', -1);
    this.statuses[index] = null;
  }

  /** Indexes of targets in one of these states. */
  *in(...states: readonly TargetStatus[]): Generator<number> {
    for (let index = 0; index < this.size; index += 1) {
      if (states.includes(this.status(index))) yield index;
    }
  }

  counts(): Job['counts'] {
    return Object.fromEntries(
      [...this.byStatus].filter(([status, count]) => count > 0 && status !== 'issuing'),
    );
  }

  private count(index: number, status: TargetStatus, change: 1 | -1): void {
    if (status === null) return;
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + change);
    if (!hasEnded(status)) return;
    const tallies = index < this.canarySize ? [this.all, this.canary] : [this.all];
    for (const tally of tallies) {
      tally.ended += change;
      if (status !== 'done') tally.failures += change;
    }
  }
}

export function hasEnded(status: TargetStatus): boolean {
  return status === 'refused' || (status !== null && status !== 'issuing' && isFinal(status));
}
