/** Chooses the engine of the stores, and ties lock, database and log together on one data folder. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Consent, wayOn } from './consent.ts';
import { makeFolder } from './folders.ts';
import { REAL_FILES, type SegmentReads } from './log/files.ts';
import { SegmentedLog } from './log/log.ts';
import { type StartWriter, startWriterThread } from './log/writer-client.ts';
import { MemoryLog } from './memory/log.ts';
import { ObstacleBoard } from './obstacles.ts';
import { type Database, type LogBounds, StoreError, type Stores } from './ports.ts';
import type { Position } from './position.ts';
import {
  openDatabaseFile,
  openMemoryDatabase,
  type StartDatabase,
  startDatabaseThread,
} from './sqlite/database.ts';

export interface StoreOptions {
  readonly engine: 'files' | 'memory';
  /** The data folder; not used by `memory`. */
  readonly folder: string;
  readonly log: {
    readonly segmentBytes: number;
    readonly retentionBytes: number;
    readonly retentionAgeMs: number;
    /** Memory for the newest records; all that `memory` keeps. */
    readonly recentBytes: number;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a segment stays after every reader has passed it. */
const KEEP_MS = 60 * 60 * 1000;

/** Inert until `start`. */
export function openStores(options: StoreOptions): Stores {
  if (options.engine === 'memory') return openMemoryStores(options.log.recentBytes);
  const { folder, logger } = options;
  return openFolder(options, {
    lock: new FolderLock(folder),
    consent: new Consent(folder, logger),
    startDatabase: startDatabaseThread,
    startWriter: startWriterThread,
    files: REAL_FILES,
  });
}

/** For tests and for a look around: nothing outlives the process. Beyond `maxBytes` the log's oldest records go. */
export function openMemoryStores(maxBytes: number): Stores {
  const log = new MemoryLog(maxBytes);
  const database = openMemoryDatabase();
  return {
    log,
    database,
    start: async () => {
      await database.start();
      return log.start();
    },
    // Memory does not fail by itself, and nothing is in its way: no listener is ever called.
    onFailure: () => {},
    obstacles: { log: null, database: null },
    onObstacle: () => {},
    stop: async () => {
      await log.stop();
      await database.stop();
    },
  };
}

/** What the stores on a data folder need of the machine. */
export interface FolderParts {
  readonly lock: Pick<FolderLock, 'acquire' | 'release'>;
  readonly consent: Pick<Consent, 'given' | 'use'>;
  readonly startDatabase: StartDatabase;
  readonly startWriter: StartWriter;
  readonly files: SegmentReads;
}

/** Log and database in a folder. Inert until `start`. */
export function openFolder(options: StoreOptions, parts: FolderParts): Stores {
  return new FileStores(options, parts);
}

class FileStores implements Stores {
  readonly log: SegmentedLog;
  readonly database: Database;
  readonly obstacles: ObstacleBoard;
  private readonly file: string;
  private readonly lock: FolderParts['lock'];
  private readonly consent: FolderParts['consent'];
  private readonly listeners: ((error: StoreError) => void)[] = [];
  private failed: StoreError | null = null;
  private stopping: Promise<void> | null = null;

  constructor({ folder, log, clock, logger }: StoreOptions, parts: FolderParts) {
    const onFailure = (error: StoreError) => this.fail(error);
    const logFolder = join(folder, 'log');
    this.file = join(folder, 'signalbox.db');
    this.obstacles = new ObstacleBoard(clock, logger);
    this.lock = parts.lock;
    this.consent = parts.consent;
    this.database = openDatabaseFile({
      startThread: parts.startDatabase,
      file: this.file,
      logFolder,
      isAccepted: () => this.consent.given,
      onObstacle: (obstacle, cause) => this.obstacles.set('database', obstacle, cause),
      onFailure,
    });
    this.log = new SegmentedLog({
      ...log,
      folder: logFolder,
      keepMs: KEEP_MS,
      // What the database has been told of was durable in the log before. A row may be ahead of the checkpoint, and a log
      // that began below its position would be taken for held already by the next start.
      floor: () => this.database.highestPosition(),
      cursors: this.database,
      startWriter: parts.startWriter,
      files: parts.files,
      clock,
      logger,
      onObstacle: (obstacle, cause) => this.obstacles.set('log', obstacle, cause),
      onFailure,
    });
  }

  async start(): Promise<LogBounds> {
    this.lock.acquire();
    try {
      await this.database.start();
      const position = await this.database.checkpointPosition();
      this.log.hold('state', position);
      const bounds = await this.log.start();
      await this.meet(bounds, position);
      this.consent.use();
      return bounds;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  onObstacle(listener: () => void): void {
    this.obstacles.listen(listener);
  }

  onFailure(listener: (error: StoreError) => void): void {
    this.listeners.push(listener);
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** The log must reach back to where the database stands, or the frames between are missing in both. */
  private async meet({ first, end }: LogBounds, position: Position): Promise<void> {
    if (first <= position) return;
    // Begun anew, because somebody moved the log away, or taken as it is, which counts for one start: nothing lies between any more.
    if (first === end || this.consent.given) return this.database.setCheckpointPosition(first);
    throw new StoreError(
      'database-behind',
      `${this.file} stands for frames up to position ${position}, but the log begins at ${first}: what lies between is ` +
        `missing. ${wayOn(this.file, 'without these frames')}`,
    );
  }

  private fail(error: StoreError): void {
    if (this.failed) return;
    this.failed = error;
    for (const listener of this.listeners) listener(error);
  }

  private async shutDown(): Promise<void> {
    // The log saves its cursors at last. Behind a lock of another program they wait, and a cursor that lags is safe.
    const logStopped = this.log.stop();
    await this.database.unlessHeldUp(logStopped);
    await this.database.stop();
    await logStopped;
    this.obstacles.stop();
    this.lock.release();
  }
}

/**
 * One process to a data folder. Owns the lock: an exclusive transaction on an SQLite file, which the kernel releases
 * however the process ends. Nobody else may open that file: closing it would release the lock (POSIX).
 */
export class FolderLock {
  private readonly folder: string;
  private held: SqliteDatabase.Database | null = null;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes the folder if it is missing. Throws `locked`. */
  acquire(): void {
    makeFolder(this.folder);
    const file = join(this.folder, 'lock');
    writeFileSync(file, '', { flag: 'a', mode: 0o600 });
    const database = new SqliteDatabase(file, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      throw this.refused(error);
    }
    this.held = database;
    writeFileSync(this.pidFile, `${process.pid}\n`, { mode: 0o600 });
  }

  /** Idempotent. */
  release(): void {
    if (!this.held) return;
    rmSync(this.pidFile, { force: true });
    this.held.close();
    this.held = null;
  }

  private get pidFile(): string {
    return join(this.folder, 'lock.pid');
  }

  private refused(error: unknown): unknown {
    if (!(error instanceof SqliteDatabase.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) return error;
    return new StoreError(
      'locked',
      `The data folder ${this.folder} is in use by another broker (process ${this.holder()}). ` +
        'Stop it first, or use another folder.',
    );
  }

  /** For the message only: the pid is written just after the lock is taken. */
  private holder(): string {
    try {
      return readFileSync(this.pidFile, 'utf8').trim();
    } catch {
      return 'unknown';
    }
  }
}
