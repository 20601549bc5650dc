/** What the database and its thread say to each other: method calls, answered in order. */
import type {
  AuditOutcome,
  AuditQuery,
  AuditRow,
  CommandQuery,
  CommandRow,
  DesiredRow,
  JobQuery,
  JobRow,
  NumberedAuditRow,
} from '../command-ports.ts';
import type { Obstacle } from '../obstacle.ts';
import type { BrowserSessionRow, KeyRow, RegisteredDeviceRow, StoreErrorCode } from '../ports.ts';
import type { PackedRows } from './device-rows.ts';

export interface DatabaseOptions {
  /** The database file; its folder exists. */
  readonly file: string;
  /** Of the telemetry log, which knows the database by its mark (store/mark.ts). */
  readonly logFolder: string;
  /** Somebody said that the database is to be taken as it is (store/consent.ts). */
  readonly isAccepted: boolean;
  /** The folder of statements and migrations. */
  readonly sql: string;
}

/** The methods that the thread serves. The ports say what they promise (ports.ts, command-ports.ts). */
export interface DatabaseMethods {
  /** The page of rows after this device in the order of names; `['', '']` for the first. Empty: no more. */
  loadDevices(customer: string, device: string): PackedRows;
  saveDevices(rows: PackedRows): void;
  checkpointPosition(): number;
  /** That any row stands for; the rows are read one by one. */
  highestPosition(): number;
  setCheckpointPosition(position: number): void;
  revisionCeiling(): number;
  raiseRevisionCeiling(ceiling: number): void;
  loadCursors(): Readonly<Record<string, number>>;
  saveCursors(cursors: Readonly<Record<string, number>>): void;
  /** The page of rows after this device in the order of names; `['', '']` for the first. Empty: no more. */
  loadRegistered(customer: string, device: string): readonly RegisteredDeviceRow[];
  saveRegistered(row: RegisteredDeviceRow): void;
  deleteRegistered(customer: string, device: string): void;
  loadKeys(): readonly KeyRow[];
  insertKey(row: KeyRow): void;
  updateKeys(rows: readonly KeyRow[]): void;
  loadBrowserSessions(): readonly BrowserSessionRow[];
  insertBrowserSession(row: BrowserSessionRow): void;
  renewBrowserSessions(rows: readonly BrowserSessionRow[]): void;
  deleteBrowserSessions(hashes: readonly Uint8Array[]): void;
  /** The page after this number; 0 for the first. Empty: no more. */
  loadOpenCommands(after: number): readonly CommandRow[];
  lastCommandNumber(): number;
  findCommands(customer: string, id: string): readonly CommandRow[];
  listCommands(query: CommandQuery): readonly CommandRow[];
  saveCommands(rows: readonly CommandRow[]): void;
  deleteEndedCommands(time: number, limit: number): number;
  loadOpenJobs(): readonly JobRow[];
  lastJobNumber(): number;
  findJob(customer: string, id: string): JobRow | null;
  listJobs(query: JobQuery): readonly JobRow[];
  insertJob(row: JobRow): void;
  updateJob(row: Pick<JobRow, 'id' | 'endedAt' | 'body'>): void;
  deleteEndedJobs(time: number, limit: number): number;
  /** The page of rows after this device in the order of names; `['', '']` for the first. Empty: no more. */
  loadDesired(customer: string, device: string): readonly DesiredRow[];
  saveDesired(rows: readonly DesiredRow[]): void;
  saveAudit(rows: readonly AuditRow[], outcomes: readonly AuditOutcome[]): void;
  listAudit(query: AuditQuery): readonly NumberedAuditRow[];
  deleteAudit(time: number, limit: number): number;
}

export type DatabaseMethod = keyof DatabaseMethods;

/**
 * `read`: changes nothing. `kept`: no log brings it back, so its commits are counted in the mark (store/mark.ts).
 * `repeatable`: a replay of the log brings it back, or it is done again anyway.
 */
export type MethodKind = 'read' | 'kept' | 'repeatable';

export const METHOD_KINDS: Readonly<Record<DatabaseMethod, MethodKind>> = {
  loadDevices: 'read',
  // A device that is forgotten is not in the log: `isKept` below.
  saveDevices: 'repeatable',
  checkpointPosition: 'read',
  highestPosition: 'read',
  setCheckpointPosition: 'repeatable',
  revisionCeiling: 'read',
  raiseRevisionCeiling: 'kept',
  loadRegistered: 'read',
  saveRegistered: 'kept',
  deleteRegistered: 'kept',
  loadCursors: 'read',
  saveCursors: 'repeatable',
  loadKeys: 'read',
  insertKey: 'kept',
  updateKeys: 'kept',
  loadBrowserSessions: 'read',
  insertBrowserSession: 'kept',
  // At worst somebody logs in again.
  renewBrowserSessions: 'repeatable',
  deleteBrowserSessions: 'kept',
  loadOpenCommands: 'read',
  lastCommandNumber: 'read',
  findCommands: 'read',
  listCommands: 'read',
  saveCommands: 'kept',
  deleteEndedCommands: 'repeatable',
  loadOpenJobs: 'read',
  lastJobNumber: 'read',
  findJob: 'read',
  listJobs: 'read',
  insertJob: 'kept',
  updateJob: 'kept',
  deleteEndedJobs: 'repeatable',
  loadDesired: 'read',
  saveDesired: 'kept',
  saveAudit: 'kept',
  listAudit: 'read',
  deleteAudit: 'repeatable',
};

export function isKept(method: DatabaseMethod, args: readonly unknown[]): boolean {
  if (method === 'saveDevices') return (args[0] as PackedRows).lengths.includes(-1);
  return METHOD_KINDS[method] === 'kept';
}

export type DatabaseCall = {
  readonly type: 'call';
  /** Of the answer: reads are answered while writes wait. */
  readonly id: number;
  readonly method: DatabaseMethod;
  readonly args: readonly unknown[];
};

export type DatabaseRequest =
  | DatabaseCall
  /** Close the file and let the thread end; what waits is refused. */
  | { readonly type: 'close' };

export interface Refused {
  /** null: a mistake of the caller, which leaves the database as it was. */
  readonly code: StoreErrorCode | null;
  readonly message: string;
}

export type CallAnswer =
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | ({ readonly type: 'refused'; readonly id: number } & Refused);

export type DatabaseAnswer =
  | { readonly type: 'opened' }
  /** It cannot be opened; the thread ends. */
  | ({ readonly type: 'closed' } & Refused)
  /** What writes waits for this to pass; null: it has. */
  | { readonly type: 'obstacle'; readonly obstacle: Obstacle | null; readonly cause: string }
  | CallAnswer;
