/**
 * What the broker asks of its stores: the telemetry log, and a database for everything else. Engines lie in folders
 * beside this file and are chosen in `open.ts`. Every port is asynchronous, and takes a batch wherever several rows or frames come
 * together, so that the files of one machine and, later, a replicated stream fit the same seam. What holds of each port:
 *
 * - Atomicity: a record of the log, and a call of the database, is stored whole or not at all.
 * - Order: records become durable, and calls that write take effect, in the order in which they were made. A read sees every
 *   write before it that has been answered, and nothing of one that waits for an obstacle (`Stores.obstacles`): while writes
 *   wait, in their order, reads are answered past them.
 * - Durability: what has resolved is durable, in the sense of the port's `durability`. What has rejected was not stored,
 *   unless with `log-failed` or `database-failed`: then nobody knows, nothing may be acknowledged, and every later call rejects.
 *
 * Positions in the log (position.ts): a commit stands at `position` and ends at `end`, where the next one starts.
 */

import type { Role } from '../../schemas/roles.ts';
import type { BatchBuilder, SourceTable } from './batch.ts';
import {
  AUDIT_KINDS,
  type AuditMethods,
  COMMAND_KINDS,
  type CommandMethods,
  DESIRED_KINDS,
  type DesiredMethods,
  JOB_KINDS,
  type JobMethods,
  type ObstacleWait,
} from './command-ports.ts';
import type { Position } from './position.ts';
import type { DeviceName, MethodKinds, Port, RowPage } from './subject.ts';

/**
 * What survives once it is durable. `process`: nothing but this process need go on, and what is stored ends with it. `power`: a
 * kill of the process and a power cut. `replicated`: the loss of a machine.
 */
export type Durability = 'process' | 'power' | 'replicated';

export interface Commit {
  readonly position: Position;
  readonly end: Position;
}

/** A record as it is stored. */
export interface StoredRecord extends Commit {
  /** What `BatchBuilder.take()` gave (store/batch.ts). Do not change it: readers share it. */
  readonly payload: Uint8Array;
}

export interface LogRecord extends StoredRecord {
  /** What its entries name; the same table for all that may name the same sources. */
  readonly sources: SourceTable;
}

/** A record as a follower of the log gets it. */
export interface FollowedRecord extends LogRecord {
  /** Appended by this run of this broker, in the order of its appends; false: by an earlier run, or by another broker. */
  readonly isOwn: boolean;
}

export interface LogBounds {
  /** Position of the oldest record still held. */
  readonly first: Position;
  /** Where the next record will start. */
  readonly end: Position;
}

/** Counted by retention, never silent. */
export interface LogStats extends LogBounds {
  readonly segments: number;
  readonly bytes: number;
  readonly commits: number;
  readonly syncMilliseconds: number;
  /** Bytes that fell off before a reader had passed them, by reader name. */
  readonly lost: Readonly<Record<string, number>>;
}

export interface TelemetryLog {
  readonly durability: Durability;
  /** The batch that fills. Only what it gives may be appended: the log knows by it which sources its records name. */
  readonly batch: BatchBuilder;

  /**
   * Opens the log and recovers it: a torn tail is cut at the last good record; a bad record before the tail rejects
   * with `StoreError` code `log-corrupt` (file and offset in the message), and changes nothing on disk.
   */
  start(): Promise<LogBounds>;

  /**
   * Appends the records of a batch, all or none, and resolves when they are durable; records become durable in the order of the
   * calls. The payloads' memory is taken over (transferred): the caller must not touch it again.
   * While the disk is full it waits (`Stores.obstacles`), and goes on by itself. Rejects with `StoreError` (`log-failed`)
   * on any other I/O error, and from then on for ever (fail-stop): whether the record reached the disk is unknown, so
   * nothing of it may be acknowledged; with `stopped` if the log was stopped while it waited.
   */
  append(...payloads: readonly Uint8Array<ArrayBuffer>[]): Promise<Commit>;

  /**
   * A reader that survives restarts: it starts at the cursor stored under `name`, or at `from` if there is none.
   * Its cursor holds retention back, within the limits of age and bytes.
   */
  reader(name: string, from: 'first' | 'end' | Position): Promise<LogReader>;

  /**
   * Every record from `position` on, in log order: first those that are there, then each once it is durable, before its append
   * resolves. Resolves when those that were there have been handed over. There is one follower at most; one that throws, throws
   * out of whatever brought the record.
   */
  follow(position: Position, follower: (record: FollowedRecord) => void): Promise<void>;

  /** Every record from `position` up to the end at the time of the call, in order. For tools and tests. */
  read(position: Position): AsyncIterable<LogRecord>;

  /**
   * Makes the cursors of the readers durable now; without it that happens about once a second. For a reader to whom
   * reading again after a crash is dear. Never rejects: a cursor that lags is safe.
   */
  saveCursors(): Promise<void>;

  /** Holds retention back at `position` on behalf of `name` without a reader (the state checkpoint does this). */
  hold(name: string, position: Position): void;

  /** How many bytes of the log lie from `from` up to `to`; 0 if that is not after it. */
  bytesBetween(from: Position, to: Position): number;

  stats(): LogStats;

  /** Waits for what was appended, if nothing is in its way, then closes. Idempotent; may be called after a failure. */
  stop(): Promise<void>;
}

export interface LogReader {
  readonly name: string;
  /** Where it stands: everything before is done with. */
  readonly position: Position;
  /**
   * The next records, at least one, of about `maxBytes` at most; waits when there is none. Resolves empty after
   * `close`. Reading again without `advance` goes on after what was handed out.
   */
  next(maxBytes: number): Promise<readonly LogRecord[]>;
  /** Everything before `position` is done with. Durable with the next flush of cursors; may lag, never leads. */
  advance(position: Position): void;
  close(): void;
}

/** A device's last-known state as stored: the CBOR body is the hub's (hub/telemetry/device-record.ts). */
export interface DeviceRow {
  readonly customer: string;
  readonly device: string;
  /** The log position that this row stands for: entries before it are in it, entries from it on are not. */
  readonly position: Position;
  /** null: the device was forgotten at that position. */
  readonly body: Uint8Array | null;
  /** When it is saved: those parts that changed; when it is loaded: all. Absent: none. */
  readonly parts?: readonly StatePart[];
}

/** A part of a device's state beside its row, by a number that the hub chooses (hub/telemetry/device-record.ts). */
export interface StatePart {
  readonly part: number;
  /** null: there is no such part any more. */
  readonly body: Uint8Array | null;
}

/** Where the readers of the log stand, by name. */
export type Cursors = Readonly<Record<string, Position>>;

export interface StateMethods {
  /** Every row with its parts, forgotten ones too, in the order of names. A page is bounded in bytes. */
  loadDevices(after: DeviceName | null): RowPage<DeviceRow, DeviceName>;
  /**
   * Inserts or replaces rows; parts that a row does not mention stay, unless the device is forgotten. Idempotent; a row
   * whose position is below the stored one changes nothing.
   */
  saveDevices(rows: readonly DeviceRow[]): void;
  /** Of the last whole checkpoint; `START`: none. */
  checkpointPosition(): Position;
  /** The highest that the checkpoint, a cursor or any row stands for. Reads every row. */
  highestPosition(): Position;
  /** Every change before `position` is in the rows; forgotten rows below it are deleted. Never goes backwards. */
  setCheckpointPosition(position: Position): void;
  /** Above every revision that was given out (hub/fleet/revisions.ts); 0: none was. */
  revisionCeiling(): number;
  /** Never goes backwards. */
  raiseRevisionCeiling(ceiling: number): void;
  /** Durable reader cursors of the log. Missing names are absent. */
  loadCursors(): Cursors;
  /** A cursor never goes backwards. */
  saveCursors(cursors: Cursors): void;
}

const STATE_KINDS: MethodKinds<StateMethods> = {
  loadDevices: 'read',
  // The log does not say that a device is forgotten.
  saveDevices: (rows) => (rows.some(({ body }) => body === null) ? 'kept' : 'repeatable'),
  checkpointPosition: 'read',
  highestPosition: 'read',
  setCheckpointPosition: 'repeatable',
  revisionCeiling: 'read',
  raiseRevisionCeiling: 'kept',
  loadCursors: 'read',
  saveCursors: 'repeatable',
};

export type StateStore = Port<StateMethods>;

/** A device that was registered, with what people say about it. */
export interface RegisteredDeviceRow {
  readonly customer: string;
  readonly device: string;
  /** Unix ms; the first one stays. */
  readonly registeredAt: number;
  readonly label: string | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
}

export interface RegistryMethods {
  /** Every row, in the order of names. */
  loadRegistered(after: DeviceName | null): RowPage<RegisteredDeviceRow, DeviceName>;
  /** Inserts or replaces the row. */
  saveRegistered(row: RegisteredDeviceRow): void;
  /** One that is not there changes nothing. */
  deleteRegistered(customer: string, device: string): void;
}

const REGISTRY_KINDS: MethodKinds<RegistryMethods> = {
  loadRegistered: 'read',
  saveRegistered: 'kept',
  deleteRegistered: 'kept',
};

export type RegistryStore = Port<RegistryMethods>;

export interface KeyRow {
  /** 8 base62 characters. */
  readonly id: string;
  /** SHA-256 of the whole key text, 32 bytes. */
  readonly hash: Uint8Array;
  /** `*` for admin. */
  readonly customer: string;
  readonly device: string | null;
  readonly role: Role;
  readonly label: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

/** A browser's login: the cookie's SHA-256 and the key that it was traded for. */
export interface BrowserSessionRow {
  readonly hash: Uint8Array;
  readonly keyId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface KeyMethods {
  loadKeys(): readonly KeyRow[];
  /** Throws `StoreError` code `exists` if the id is taken. */
  insertKey(row: KeyRow): void;
  /** Replaces the changeable parts of the rows: label, expiresAt, revokedAt, lastUsedAt. */
  updateKeys(rows: readonly KeyRow[]): void;
  loadBrowserSessions(): readonly BrowserSessionRow[];
  /** Throws `StoreError` code `exists` if the hash is taken. */
  insertBrowserSession(row: BrowserSessionRow): void;
  /** Stores when they end now; those that are gone stay gone. */
  renewBrowserSessions(rows: readonly BrowserSessionRow[]): void;
  /** Unknown hashes are ignored. */
  deleteBrowserSessions(hashes: readonly Uint8Array[]): void;
}

const KEY_KINDS: MethodKinds<KeyMethods> = {
  loadKeys: 'read',
  insertKey: 'kept',
  updateKeys: 'kept',
  loadBrowserSessions: 'read',
  insertBrowserSession: 'kept',
  // At worst somebody logs in again.
  renewBrowserSessions: 'repeatable',
  deleteBrowserSessions: 'kept',
};

export type KeyStore = Port<KeyMethods>;

/** Everything that the database is asked, subject by subject. */
export interface DatabaseMethods
  extends StateMethods,
    RegistryMethods,
    KeyMethods,
    CommandMethods,
    JobMethods,
    DesiredMethods,
    AuditMethods {}

export const DATABASE_KINDS: MethodKinds<DatabaseMethods> = {
  ...STATE_KINDS,
  ...REGISTRY_KINDS,
  ...KEY_KINDS,
  ...COMMAND_KINDS,
  ...JOB_KINDS,
  ...DESIRED_KINDS,
  ...AUDIT_KINDS,
};

/** One engine for everything that is not the log. */
export interface Database extends Port<DatabaseMethods>, ObstacleWait {
  readonly durability: Durability;
  /** Opens, checks and migrates. What is damaged, behind its mark, foreign or newer rejects; nothing is changed then. */
  start(): Promise<void>;
  /** What was asked before is answered first; a write that waits for an obstacle is refused. Idempotent. */
  stop(): Promise<void>;
}

/** Everything on one data folder; made by `open.ts`. */
export interface Stores {
  readonly log: TelemetryLog;
  readonly database: Database;
  /** Takes the lock (`locked` rejects), then opens database and log. Returns the log's bounds. */
  start(): Promise<LogBounds>;
  /** Called at most once, on the first I/O error after which nothing may be acknowledged. */
  onFailure(listener: (error: StoreError) => void): void;
  /** What keeps each from writing now; null: nothing. It passes by itself. */
  readonly obstacles: Obstacles;
  /** Called when one of them begins or has passed. */
  onObstacle(listener: () => void): void;
  stop(): Promise<void>;
}

/** What keeps a store from writing for a while and passes by itself: it is waited for. Everything else is a failure. */
export type Obstacle = 'disk-full' | 'no-descriptors' | 'database-locked';

export interface Obstacles {
  readonly log: Obstacle | null;
  readonly database: Obstacle | null;
}

export type StoreErrorCode =
  | 'locked'
  | 'log-corrupt'
  | 'log-failed'
  | 'log-gone'
  | 'database-corrupt'
  | 'database-newer'
  | 'database-missing'
  | 'database-foreign'
  | 'database-behind'
  | 'database-failed'
  | 'synchronous-off'
  | 'exists'
  | 'stopped';

/** The message is for the person who runs the server: what was found, where, and the way out. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
