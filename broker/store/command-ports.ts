/**
 * What the broker asks of its store for commands, jobs, desired state and audit. `Database` (ports.ts) is all of them.
 * Bodies are CBOR that only the hub reads; what stands beside them is what the store looks things up by.
 */

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
  readonly position: number;
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

/** For readers that first wait for what was changed to be saved. */
export interface Waits {
  /** Resolves or rejects with `work`, or resolves as soon as writes wait for an obstacle; then `work` goes on by itself. */
  unlessHeldUp(work: Promise<void>): Promise<void>;
}

export interface CommandStore extends Waits {
  /** Every command that is not final, in the order of `number`, in pages. */
  loadOpenCommands(): AsyncIterable<readonly CommandRow[]>;
  /** The highest number given out; 0: none. */
  lastCommandNumber(): Promise<number>;
  /** At most one row for a customer; for `*` every customer's command of that id. */
  findCommands(customer: string, id: string): Promise<readonly CommandRow[]>;
  /** Newest first. */
  listCommands(query: CommandQuery): Promise<readonly CommandRow[]>;
  /** Inserts or replaces rows in one transaction, durable when it resolves. */
  saveCommands(rows: readonly CommandRow[]): Promise<void>;
  /** Deletes at most `limit` final commands that ended before `time`; returns how many. */
  deleteEndedCommands(time: number, limit: number): Promise<number>;
}

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

export interface JobStore {
  /** In the order of `number`. */
  loadOpenJobs(): Promise<readonly JobRow[]>;
  lastJobNumber(): Promise<number>;
  /** null: none, or another customer's; `*` sees all. */
  findJob(customer: string, id: string): Promise<JobRow | null>;
  /** Newest first. */
  listJobs(query: JobQuery): Promise<readonly JobRow[]>;
  /** Durable when it resolves. Rejects with `StoreError` code `exists` if the id is taken. */
  insertJob(row: JobRow): Promise<void>;
  /** Replaces `endedAt` and `body`; durable when it resolves. An unknown id changes nothing. */
  updateJob(row: Pick<JobRow, 'id' | 'endedAt' | 'body'>): Promise<void>;
  /** Deletes at most `limit` jobs that ended before `time`; returns how many. */
  deleteEndedJobs(time: number, limit: number): Promise<number>;
}

/** Desired and reported state of a device. */
export interface DesiredRow {
  readonly customer: string;
  readonly device: string;
  /** Reported frames that stand in the telemetry log before this position are in the row. */
  readonly position: number;
  /** null: the device was forgotten; the row is deleted. */
  readonly body: Uint8Array | null;
}

export interface DesiredStore {
  /** Every row, in pages. */
  loadDesired(): AsyncIterable<readonly DesiredRow[]>;
  /** Inserts, replaces or deletes rows in one transaction, durable when it resolves. */
  saveDesired(rows: readonly DesiredRow[]): Promise<void>;
}

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

export interface AuditStore extends Waits {
  /** One transaction, durable when it resolves: first the entries, then the outcomes (the first one of a reference wins). */
  saveAudit(rows: readonly AuditRow[], outcomes: readonly AuditOutcome[]): Promise<void>;
  /** Newest first. */
  listAudit(query: AuditQuery): Promise<readonly NumberedAuditRow[]>;
  /** Deletes at most `limit` entries from before `time`; returns how many. */
  deleteAudit(time: number, limit: number): Promise<number>;
}
