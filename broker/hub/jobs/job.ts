/**
 * The types of a job: one command for many devices, canary first, at a rate, with an end that can be counted
 * (docs/commands.md).
 */
import type { Value } from '../../wire/frames.ts';
import type { Command, CommandStatus } from '../commands/command.ts';

/**
 * `canary`: only the first few have it. `running`: the rest follows at the rate. `halted`: failures passed the share; it
 * can be resumed. `cancelled`, `done`: the end, once no command of it is open.
 */
const JOB_STATUSES = ['canary', 'running', 'halted', 'cancelled', 'done'] as const;
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
