/** Chooses the engine of the stores and ties log, database and lock together on one data folder. */
import { join } from 'node:path';
import type { Clock, Log } from '../wire/environment.ts';
import { FolderLock } from './folder-lock.ts';
import { SegmentedLog } from './log/log.ts';
import { openMemoryStores } from './memory/stores.ts';
import type { LogBounds, StoreError, Stores } from './ports.ts';
import { SqliteStore } from './sqlite/database.ts';

export interface StoreOptions {
  readonly engine: 'files' | 'memory';
  /** The data folder; not used by `memory`. */
  readonly folder: string;
  readonly log: {
    readonly segmentBytes: number;
    readonly retentionBytes: number;
    readonly retentionAgeMs: number;
    /** Memory for the newest records; all that `memory` keeps. */
    readonly ringBytes: number;
  };
  readonly clock: Clock;
  readonly logger: Log;
}

/** How long a segment stays after every reader has passed it. */
const KEEP_MS = 60 * 60 * 1000;

/** Inert until `start`. */
export function openStores(options: StoreOptions): Stores {
  return options.engine === 'memory' ? openMemoryStores(options.log.ringBytes) : new FileStores(options);
}

class FileStores implements Stores {
  readonly log: SegmentedLog;
  readonly database: SqliteStore;
  private readonly lock: FolderLock;
  private readonly listeners: ((error: StoreError) => void)[] = [];
  private failed: StoreError | null = null;
  private stopping: Promise<void> | null = null;

  constructor({ folder, log, clock, logger }: StoreOptions) {
    const onFailure = (error: StoreError) => this.fail(error);
    this.lock = new FolderLock(folder);
    this.database = new SqliteStore(join(folder, 'signalbox.db'), onFailure);
    this.log = new SegmentedLog({
      ...log,
      folder: join(folder, 'log'),
      keepMs: KEEP_MS,
      floor: () => this.floor(),
      cursors: this.database,
      clock,
      log: logger,
      onFailure,
    });
  }

  async start(): Promise<LogBounds> {
    this.lock.take();
    try {
      await this.database.start();
      this.log.hold('state', await this.database.checkpointPosition());
      return await this.log.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  onFailure(listener: (error: StoreError) => void): void {
    this.listeners.push(listener);
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** What the database has been told of was durable in the log before. */
  private async floor(): Promise<number> {
    const cursors = await this.database.loadCursors();
    return Math.max(await this.database.checkpointPosition(), ...Object.values(cursors));
  }

  private fail(error: StoreError): void {
    if (this.failed) return;
    this.failed = error;
    for (const listener of this.listeners) listener(error);
  }

  private async shutDown(): Promise<void> {
    await this.log.stop();
    await this.database.stop();
    this.lock.release();
  }
}
