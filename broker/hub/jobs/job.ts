/** A job: one command for many devices, canary first, at a rate, with an end that can be counted (users.md, "Commands"). */
import type { Value } from '../../wire/frames.ts';
import type { Command, CommandStatus } from '../commands/command.ts';

/**
 * `canary`: only the first few have it. `running`: the rest follows at the rate. `halted`: failures passed the share; it
 * can be resumed. `cancelled`, `done`: the end, once no command of it is open.
 */
export const JOB_STATUSES = ['canary', 'running', 'halted', 'cancelled', 'done'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Which devices of a customer; all given conditions must hold. */
export interface DeviceSelection {
  readonly customer: string;
  /** A part of the device id, its label or one of its tags, in any case. */
  readonly q: string | null;
  readonly model: string | null;
  readonly online: boolean | null;
  /** Exactly these ids; those that are not known are refused. */
  readonly devices: readonly string[] | null;
}

export interface JobRequest {
  readonly select: DeviceSelection;
  readonly name: string;
  readonly args: Value;
  /** ms, of each command from its creation; null: the configured default. */
  readonly ttl: number | null;
  readonly supersede: string | null;
  /** How many devices come first; the rest follows when all of them are done. 0: no canary. */
  readonly canary: number;
  /** Commands a second; null: as fast as they go. */
  readonly rate: number | null;
  /** Halts when more than this share of the commands that ended did not end as `done`; 0 to 1; null: never. */
  readonly haltShare: number | null;
  readonly by: string;
}

export interface Job {
  readonly id: string;
  readonly number: number;
  readonly request: JobRequest;
  readonly status: JobStatus;
  /** Why it was halted or cancelled. */
  readonly reason: string | null;
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Device ids, in the order in which they get it. */
  readonly targets: readonly string[];
  /** How many of the targets have a command. */
  readonly issued: number;
  /** Commands by their status. `issued` is their sum and of the ones that could not be issued (`refused`). */
  readonly counts: Readonly<Partial<Record<CommandStatus | 'refused', number>>>;
}

/** What became of one device of a job. */
export interface JobOutcome {
  /** The device's id. */
  readonly device: string;
  /** `waiting`: its turn has not come. `skipped`: the job was cancelled before. `refused`: see `reason`. */
  readonly status: CommandStatus | 'waiting' | 'skipped' | 'refused';
  readonly reason: string | null;
  readonly command: Command | null;
}

/** What HTTP asks of jobs; `Jobs` (jobs.ts) is it. */
export interface JobDesk {
  /** The ids that the selection finds now, sorted. Throws `HubRefusal` `bad-request` for ids that are not known. */
  preview(select: DeviceSelection): readonly string[];
  /** Durable when it resolves. Rejects with `HubRefusal` if nothing is selected, too many are, or the request is not right. */
  create(request: JobRequest): Promise<Job>;
  /** null: none that this customer (`*`: anybody) may see. */
  find(customer: string, id: string): Promise<Job | null>;
  /** Newest first. */
  list(
    customer: string,
    page: { readonly before: number | null; readonly limit: number },
  ): Promise<{ readonly items: readonly Job[]; readonly next: number | null }>;
  /** In the order of the targets, from index `from` on. */
  outcomes(
    job: Job,
    page: { readonly from: number; readonly limit: number },
  ): Promise<{ readonly items: readonly JobOutcome[]; readonly next: number | null }>;
  /** No further device gets it, and what waits is cancelled; what is accepted goes on. `conflict` if it is over. */
  cancel(customer: string, id: string, by: string): Promise<Job | null>;
  /** Goes on after a halt, which then needs the share to be passed anew. `conflict` if it is not halted. */
  resume(customer: string, id: string, by: string): Promise<Job | null>;
}
