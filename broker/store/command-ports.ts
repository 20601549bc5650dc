/**
 * What the broker asks of its database for commands, jobs, desired state and audit. `Database` (ports.ts) is all of them, and
 * ports.ts says what holds of every call. Bodies are CBOR that only the hub reads; what stands beside them is what the
 * store looks things up by.
 */
import type { Position } from './position.ts';
import type { DeviceName, MethodKinds, Port, RowPage } from './subject.ts';

export interface CommandRow {
  readonly customer: string;
  readonly device: string;
  /** Unique within the customer. */
  readonly id: string;
  /** The order of creation, over restarts; unique, from 1. */
  readonly number: number;
  readonly status: string;
  readonly createdAt: number;
  /** null: not final yet. */
  readonly endedAt: number | null;
  /** The job that it belongs to. */
  readonly job: string | null;
  /** Results that stand in the telemetry log before this position are in the row. */
  readonly position: Position;
  readonly body: Uint8Array;
}

export interface CommandQuery {
  /** `*`: every customer. */
  readonly customer: string;
  readonly device: string | null;
  readonly job: string | null;
  /** Only numbers below it; null: from the newest. */
  readonly before: number | null;
  readonly limit: number;
}

export interface CommandMethods {
  /** Every command that is not final, in the order of `number`; `after`: the last number of the page before. */
  loadOpenCommands(after: number | null): RowPage<CommandRow, number>;
  /** The highest number given out; 0: none. */
  lastCommandNumber(): number;
  /** At most one row for a customer; for `*` every customer's command of that id. */
  findCommands(customer: string, id: string): readonly CommandRow[];
  /** Newest first; `next` is the `before` of the next page. */
  listCommands(query: CommandQuery): RowPage<CommandRow, number>;
  /** Inserts rows, or replaces status, `endedAt`, `position` and `body`. Throws if a number is taken by another command. */
  saveCommands(rows: readonly CommandRow[]): void;
  /** Deletes at most `limit` final commands that ended before `time`; returns how many. */
  deleteEndedCommands(time: number, limit: number): number;
}

export const COMMAND_KINDS: MethodKinds<CommandMethods> = {
  loadOpenCommands: 'read',
  lastCommandNumber: 'read',
  findCommands: 'read',
  listCommands: 'read',
  saveCommands: 'kept',
  deleteEndedCommands: 'repeatable',
};

/** For readers that first wait for what was changed to be saved. */
export interface ObstacleWait {
  /** Resolves or rejects with `work`, or resolves as soon as writes wait for an obstacle; then `work` goes on by itself. */
  unlessHeldUp(work: Promise<void>): Promise<void>;
}

export type CommandStore = Port<CommandMethods> & ObstacleWait;

export interface JobRow {
  readonly id: string;
  readonly customer: string;
  /** The order of creation, over restarts; unique, from 1. */
  readonly number: number;
  readonly createdAt: number;
  /** null: it is not over. */
  readonly endedAt: number | null;
  /** CBOR array of device ids; written once. */
  readonly targets: Uint8Array;
  readonly body: Uint8Array;
}

export interface JobQuery {
  /** `*`: every customer. */
  readonly customer: string;
  /** Only numbers below it; null: from the newest. */
  readonly before: number | null;
  readonly limit: number;
}

export interface JobMethods {
  /** In the order of `number`. */
  loadOpenJobs(): readonly JobRow[];
  /** The highest number given out; 0: none. */
  lastJobNumber(): number;
  /** null: none, or another customer's; `*` sees all. */
  findJob(customer: string, id: string): JobRow | null;
  /** Newest first; `next` is the `before` of the next page. */
  listJobs(query: JobQuery): RowPage<JobRow, number>;
  /** Throws `StoreError` code `exists` if the id is taken. */
  insertJob(row: JobRow): void;
  /** Replaces `endedAt` and `body`. An unknown id changes nothing. */
  updateJob(row: Pick<JobRow, 'id' | 'endedAt' | 'body'>): void;
  /** Deletes at most `limit` jobs that ended before `time`; returns how many. */
  deleteEndedJobs(time: number, limit: number): number;
}

export const JOB_KINDS: MethodKinds<JobMethods> = {
  loadOpenJobs: 'read',
  lastJobNumber: 'read',
  findJob: 'read',
  listJobs: 'read',
  insertJob: 'kept',
  updateJob: 'kept',
  deleteEndedJobs: 'repeatable',
};

export type JobStore = Port<JobMethods>;

/** Desired and reported state of a device. */
export interface DesiredRow {
  readonly customer: string;
  readonly device: string;
  /** Reported frames that stand in the telemetry log before this position are in the row. */
  readonly position: Position;
  /** null: the device was forgotten; the row is deleted. */
  readonly body: Uint8Array | null;
}

export interface DesiredMethods {
  /** Every row, in the order of names. */
  loadDesired(after: DeviceName | null): RowPage<DesiredRow, DeviceName>;
  /** Inserts, replaces or deletes rows. */
  saveDesired(rows: readonly DesiredRow[]): void;
}

export const DESIRED_KINDS: MethodKinds<DesiredMethods> = { loadDesired: 'read', saveDesired: 'kept' };

export type DesiredStore = Port<DesiredMethods>;

export interface AuditRow {
  readonly at: number;
  /** The key that asked; `mqtt` for the bridge, `broker` for the broker itself. */
  readonly by: string;
  /** The customer whose operators may read the entry; `*`: admins only. */
  readonly customer: string;
  /** `command.send`, `desired.put`, `key.create` …: docs/audit.md lists them. */
  readonly action: string;
  /** What was asked for: `acme/pump-7`, `key 1a2b3c4d`, `job …`. */
  readonly target: string;
  /** JSON object with what else matters, such as a command's name; null: nothing. */
  readonly detail: string | null;
  /** `done`, `refused: …`, a command's final status …; null: not known yet. */
  readonly outcome: string | null;
  readonly outcomeAt: number | null;
  /** What a later `settleAudit` names: `command acme/<id>`, `job <id>`; null: the entry is complete. */
  readonly reference: string | null;
}

export interface NumberedAuditRow extends AuditRow {
  /** Rises; given by the store. */
  readonly number: number;
}

export interface AuditQuery {
  /** `*`: every customer's. */
  readonly customer: string;
  readonly by: string | null;
  /** Whole, or a beginning that ends with `.`, such as `command.`. */
  readonly action: string | null;
  readonly target: string | null;
  /** Unix ms; `from` inclusive, `to` exclusive. */
  readonly from: number | null;
  readonly to: number | null;
  readonly before: number | null;
  readonly limit: number;
}

/** The outcome of an entry that was written before it was known. */
export interface AuditOutcome {
  readonly reference: string;
  readonly outcome: string;
  readonly at: number;
}

export interface AuditMethods {
  /** First the entries, then the outcomes; the first outcome of a reference wins. */
  saveAudit(rows: readonly AuditRow[], outcomes: readonly AuditOutcome[]): void;
  /** Newest first; `next` is the `before` of the next page. */
  listAudit(query: AuditQuery): RowPage<NumberedAuditRow, number>;
  /** Deletes at most `limit` entries from before `time`; returns how many. */
  deleteAudit(time: number, limit: number): number;
}

export const AUDIT_KINDS: MethodKinds<AuditMethods> = {
  saveAudit: 'kept',
  listAudit: 'read',
  deleteAudit: 'repeatable',
};

export type AuditStore = Port<AuditMethods> & ObstacleWait;
