/**
 * Gives the port of the database: everything that is not the log, in one SQLite database, in a file behind a thread of its
 * own or in this process's memory. The calls are derived from the methods' names; what each method promises stands at its
 * port (ports.ts, command-ports.ts).
 */
import SqliteDatabase from 'better-sqlite3';
import {
  type RunningThread,
  type StartThread,
  threadModule,
  WorkerThread,
} from '../../base/worker-thread.ts';
import { DATABASE_KINDS, type Database, type DatabaseMethods, type Obstacle, StoreError } from '../ports.ts';
import type { Port } from '../subject.ts';
import { packArgs, unpackValue } from './device-rows.ts';
import { type MethodCall, type RunCall, runnerOf } from './methods.ts';
import { BUSY_TIMEOUT_MS, type DatabaseOptions, openInMemory } from './open-database.ts';
import type { CallAnswer, CallRefusal, DatabaseAnswer, DatabaseRequest } from './server.ts';

/** Every method of the port, as `call`. */
function portOf(call: (call: MethodCall) => Promise<unknown>): Port<DatabaseMethods> {
  const methods = Object.keys(DATABASE_KINDS) as MethodCall['method'][];
  return Object.fromEntries(
    methods.map((method) => [method, (...args: readonly unknown[]) => call({ method, args })]),
  ) as unknown as Port<DatabaseMethods>;
}

/** Starts a thread that opens the database and serves as `DatabaseServer` does. */
export type StartDatabase = StartThread<DatabaseOptions, DatabaseRequest, DatabaseAnswer>;

/** A thread of its own for each. */
export const startDatabaseThread: StartDatabase = (options, events) =>
  new WorkerThread(threadModule(import.meta.url, './worker'), { workerData: options }, events);

/** Durable with `power`. Inert until `start`. */
export function openDatabaseFile(parts: DatabaseFileParts): Database {
  const thread = new DatabaseThread(parts);
  return {
    durability: 'power',
    start: () => thread.start(),
    stop: () => thread.stop(),
    unlessHeldUp: (work) => thread.unlessHeldUp(work),
    ...portOf((call) => thread.call(call)),
  };
}

/** For tests and for a look around: the same SQL, nothing outlives `stop`, and nothing ever holds it up. Inert until `start`. */
export function openMemoryDatabase(): Database {
  let opened: { readonly run: RunCall; close(): void } | null = null;
  return {
    durability: 'process',
    start: async () => {
      if (opened) return;
      const database = openInMemory();
      opened = { run: runnerOf(database), close: () => void database.close() };
    },
    stop: async () => {
      opened?.close();
      opened = null;
    },
    unlessHeldUp: (work) => work,
    ...portOf(async (call) => {
      if (!opened) throw notOpen();
      // As it would come from the thread: plain values, nobody else's.
      return structuredClone(opened.run(call).value);
    }),
  };
}

export interface DatabaseFileParts {
  readonly startThread: StartDatabase;
  /** Its folder must exist at `start`. */
  readonly file: string;
  readonly logFolder: string;
  /** Whether the database is to be taken as it is (store/consent.ts); asked at `start`. */
  readonly isAccepted: () => boolean;
  /** What writes waits for this; null: it has passed. `cause`: as the system puts it. */
  readonly onObstacle: (obstacle: Obstacle | null, cause: string) => void;
  /** At most once. */
  readonly onFailure: (error: StoreError) => void;
}

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * Keeps SQLite from copying its log into the file when this process ends in the middle: at a second signal, or by an error that
 * nobody caught. Node closes the connections of its threads then, and the last one that closes copies; the sums (page-sums.ts)
 * would not be written, and the next start would be refused. This connection is of the main thread, whose are closed after those of the
 * others; it may only read, so it copies nothing itself. To be held from when nobody opens and closes the file but SQLite.
 */
class CopyGuard {
  private readonly file: string;
  private connection: SqliteDatabase.Database | null = null;

  constructor(file: string) {
    this.file = file;
  }

  /** Again when the file may have got its log only now. Throws what SQLite says. */
  hold(): void {
    this.connection ??= new SqliteDatabase(this.file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
    // The first read of a file with a log takes a lock that stays.
    this.connection.prepare('SELECT count(*) FROM sqlite_master').get();
  }

  /** Idempotent. */
  release(): void {
    this.connection?.close();
    this.connection = null;
  }
}

/** Owns the thread and the calls that it has not answered. After the first failure every call rejects with it. */
class DatabaseThread {
  private readonly parts: DatabaseFileParts;
  private readonly guard: CopyGuard;
  /** There from when the database is open until it is stopped. */
  private thread: RunningThread<DatabaseRequest> | null = null;
  private gone: Promise<void> = Promise.resolve();
  /** By the id of the call. */
  private readonly pending = new Map<number, PendingCall>();
  private calls = 0;
  private isHeldUp = false;
  /** Readers that do not wait any more once it is. */
  private readonly readers = new Set<() => void>();
  private failure: StoreError | null = null;
  private stopping: Promise<void> | null = null;

  constructor(parts: DatabaseFileParts) {
    this.parts = parts;
    this.guard = new CopyGuard(parts.file);
  }

  async start(): Promise<void> {
    const { file, logFolder, isAccepted, startThread } = this.parts;
    await new Promise<void>((resolve, reject) => {
      let refusal: Error | null = null;
      const thread = startThread(
        { file, logFolder, isAccepted: isAccepted() },
        {
          reported: (answer) => {
            if (answer.type === 'guard') thread.send(this.hold());
            else if (answer.type === 'obstacle') this.obstacleChanged(answer.obstacle, answer.cause);
            else if (answer.type === 'closed') refusal = errorOf(answer);
            else if (answer.type === 'finished') {
              this.guard.release();
              thread.send({ type: 'released' });
            } else if (answer.type === 'opened') {
              this.obstacleChanged(null, '');
              this.thread = thread;
              resolve();
            } else this.settle(answer);
          },
          ended: (error) => {
            this.guard.release();
            const cause = error?.message ?? 'it stopped by itself';
            if (this.thread) this.fail(this.endOf(cause));
            else reject(refusal ?? error ?? this.endOf(cause));
          },
        },
      );
      this.gone = thread.gone;
    });
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  unlessHeldUp(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isHeldUp) resolve();
      this.readers.add(resolve);
      work.then(resolve, reject).finally(() => this.readers.delete(resolve));
    });
  }

  call({ method, args }: MethodCall): Promise<unknown> {
    const { thread } = this;
    if (this.failure) return Promise.reject(this.failure);
    if (!thread || this.stopping) return Promise.reject(notOpen());
    this.calls += 1;
    const id = this.calls;
    const { data, transfer } = packArgs(method, args);
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      thread.send({ type: 'call', id, method, args: data }, transfer);
    });
  }

  private hold(): DatabaseRequest {
    try {
      this.guard.hold();
      return { type: 'guarded' };
    } catch (error) {
      const { code = 'SQLITE_ERROR', message } = error as Error & { readonly code?: string };
      return { type: 'unguarded', code, message };
    }
  }

  private obstacleChanged(obstacle: Obstacle | null, cause: string): void {
    this.isHeldUp = obstacle !== null;
    // It is opened anew then, after files were closed whose locks the guard had.
    if (this.isHeldUp && !this.thread) this.guard.release();
    if (this.isHeldUp) for (const resolve of this.readers) resolve();
    this.parts.onObstacle(obstacle, cause);
  }

  private settle(answer: CallAnswer): void {
    const pending = this.pending.get(answer.id);
    this.pending.delete(answer.id);
    if (answer.type === 'done') {
      pending?.resolve(unpackValue(answer.method, answer.value));
      return;
    }
    const error = errorOf(answer);
    pending?.reject(error);
    if (error instanceof StoreError && error.code === 'database-failed') this.fail(error);
  }

  private endOf(cause: string): StoreError {
    const { file } = this.parts;
    return new StoreError('database-failed', `The thread of the database ${file} ended: ${cause}.`);
  }

  private fail(error: StoreError): void {
    if (this.failure) return;
    this.failure = error;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
    this.parts.onFailure(error);
  }

  /** Calls made before are answered first; those that wait for an obstacle are refused. */
  private async shutDown(): Promise<void> {
    this.thread?.send({ type: 'close' });
    this.thread = null;
    await this.gone;
  }
}

function notOpen(): StoreError {
  return new StoreError('stopped', 'The database is not open.');
}

function errorOf({ code, message }: CallRefusal): Error {
  return code === null ? new Error(message) : new StoreError(code, message);
}
