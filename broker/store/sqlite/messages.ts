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
import type { BrowserSessionRow, KeyRow, RegisteredDeviceRow, StoreErrorCode } from '../ports.ts';
import type { PackedRows } from './device-rows.ts';

export interface DatabaseOptions {
  /** The database file; its folder exists. */
  readonly file: string;
  /** The folder of statements and migrations. */
  readonly sql: string;
}

/** The methods that the thread serves. The ports say what they promise (ports.ts, command-ports.ts). */
export interface DatabaseMethods {
  /** The page of rows after this device in the order of names; `['', '']` for the first. Empty: no more. */
  loadDevices(customer: string, device: string): PackedRows;
  saveDevices(rows: PackedRows): void;
  checkpointPosition(): number;
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

export type DatabaseRequest =
  | { readonly type: 'call'; readonly method: DatabaseMethod; readonly args: readonly unknown[] }
  /** Close the file and let the thread end. */
  | { readonly type: 'close' };

/** `code` is null for a mistake of the caller, which leaves the database as it was. */
export interface Refusal {
  readonly type: 'refused';
  readonly code: StoreErrorCode | null;
  readonly message: string;
}

export type DatabaseAnswer =
  | { readonly type: 'opened' }
  | { readonly type: 'done'; readonly value: unknown }
  | Refusal;
