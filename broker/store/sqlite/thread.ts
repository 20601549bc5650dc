/**
 * The thread of the database and the calls that wait for it. After the first failure every call rejects with it, waiting
 * ones too.
 */
import { fileURLToPath } from 'node:url';
import { threadModule, WorkerThread } from '../../base/worker-thread.ts';
import type { Obstacle } from '../obstacle.ts';
import { StoreError } from '../ports.ts';
import type {
  CallAnswer,
  DatabaseAnswer,
  DatabaseMethod,
  DatabaseMethods,
  DatabaseOptions,
  DatabaseRequest,
  Refused,
} from './messages.ts';

/** Beside the code, in the source tree and in `dist` alike. */
const SQL_FOLDER = fileURLToPath(new URL('../../../schemas/sql', import.meta.url));

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface ThreadParts {
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

export class DatabaseThread {
  private readonly parts: ThreadParts;
  /** There from when the database is open until it is stopped. */
  private thread: WorkerThread<DatabaseRequest, DatabaseAnswer> | null = null;
  private gone: Promise<void> = Promise.resolve();
  /** By the id of the call. */
  private readonly waiting = new Map<number, Waiting>();
  private calls = 0;
  private isHeldUp = false;
  /** Readers that do not wait any more once it is. */
  private readonly readers = new Set<() => void>();
  private failure: StoreError | null = null;
  private stopping: Promise<void> | null = null;

  constructor(parts: ThreadParts) {
    this.parts = parts;
  }

  async start(): Promise<void> {
    const { file, logFolder, isAccepted } = this.parts;
    const workerData: DatabaseOptions = { file, logFolder, sql: SQL_FOLDER, isAccepted: isAccepted() };
    await new Promise<void>((resolve, reject) => {
      let refusal: Error | null = null;
      const thread = new WorkerThread<DatabaseRequest, DatabaseAnswer>(
        threadModule(import.meta.url, './worker'),
        { workerData },
        {
          reported: (answer) => {
            if (answer.type === 'obstacle') this.met(answer.obstacle, answer.cause);
            else if (answer.type === 'closed') refusal = errorOf(answer);
            else if (answer.type !== 'opened') this.settle(answer);
            else {
              this.met(null, '');
              this.thread = thread;
              resolve();
            }
          },
          ended: (error) => {
            const cause = error?.message ?? 'it stopped by itself';
            if (this.thread) this.ended(cause);
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

  /** See the port, `Waits`. */
  unlessHeldUp(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isHeldUp) resolve();
      this.readers.add(resolve);
      work.then(resolve, reject).finally(() => this.readers.delete(resolve));
    });
  }

  /** Answered in the order of the calls, but for reads while writes wait. */
  protected call<Method extends DatabaseMethod>(
    method: Method,
    args: Parameters<DatabaseMethods[Method]>,
    transfer: ArrayBuffer[] = [],
  ): Promise<ReturnType<DatabaseMethods[Method]>> {
    const { thread } = this;
    if (this.failure) return Promise.reject(this.failure);
    if (!thread || this.stopping)
      return Promise.reject(new StoreError('stopped', 'The database is not open.'));
    this.calls += 1;
    const id = this.calls;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      thread.send({ type: 'call', id, method, args }, transfer);
    });
  }

  /** A method of the port that is the thread's own. */
  protected forward<Method extends DatabaseMethod>(
    method: Method,
  ): (...args: Parameters<DatabaseMethods[Method]>) => Promise<ReturnType<DatabaseMethods[Method]>> {
    return (...args) => this.call(method, args);
  }

  private met(obstacle: Obstacle | null, cause: string): void {
    this.isHeldUp = obstacle !== null;
    if (this.isHeldUp) for (const resolve of this.readers) resolve();
    this.parts.onObstacle(obstacle, cause);
  }

  private settle(answer: CallAnswer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (answer.type === 'done') {
      waiting?.resolve(answer.value);
      return;
    }
    const error = errorOf(answer);
    waiting?.reject(error);
    if (error instanceof StoreError && error.code === 'database-failed') this.fail(error);
  }

  private ended(cause: string): void {
    this.fail(this.endOf(cause));
  }

  private endOf(cause: string): StoreError {
    const { file } = this.parts;
    return new StoreError('database-failed', `The thread of the database ${file} ended: ${cause}.`);
  }

  private fail(error: StoreError): void {
    if (this.failure) return;
    this.failure = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
    this.parts.onFailure(error);
  }

  /** Calls made before are answered first; those that wait for an obstacle are refused. */
  private async shutDown(): Promise<void> {
    this.thread?.send({ type: 'close' });
    this.thread = null;
    await this.gone;
  }
}

function errorOf({ code, message }: Refused): Error {
  return code === null ? new Error(message) : new StoreError(code, message);
}
