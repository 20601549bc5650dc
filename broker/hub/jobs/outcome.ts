/** What became of one device of a job: from its command, or from why it has none. */
import type { CommandDesk } from '../commands/command.ts';
import type { Job, JobOutcome } from './job.ts';

export interface Target {
  readonly job: Job;
  readonly index: number;
  /** Target index → why no command could be made. */
  readonly refusals: ReadonlyMap<number, string>;
}

export async function outcomeOf(
  commands: Pick<CommandDesk, 'find'>,
  { job, index, refusals }: Target,
): Promise<JobOutcome> {
  const device = job.targets[index] ?? '';
  const refusal = refusals.get(index);
  if (refusal !== undefined) return { device, status: 'refused', reason: refusal, command: null };
  const [command] = await commands.find(job.wish.select.customer, `${job.id}.${index}`);
  if (!command) {
    const isOver = job.status === 'cancelled' || job.endedAt !== null;
    return { device, status: isOver ? 'skipped' : 'waiting', reason: job.reason, command: null };
  }
  const reason = command.timeline.findLast(({ late }) => !late)?.reason ?? null;
  return { device, status: command.status, reason, command };
}
