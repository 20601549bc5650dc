/**
 * The thread of the database and the calls that wait for it. After the first failure every call rejects with it, waiting
 * ones too.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../ports.ts';
import { workerModule } from '../worker-module.ts';
import type {
  DatabaseAnswer,
  DatabaseMethod,
  DatabaseMethods,
  DatabaseOptions,
  DatabaseRequest,
  Refusal,
} from './messages.ts';

/** Beside the code, in the source tree and in `dist` alike. */
const SQL_FOLDER = fileURLToPath(new URL('../../../schemas/sql', import.meta.url));

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class DatabaseThread {
  private readonly file: string;
  private readonly onFailure: (error: StoreError) => void;
  private worker: Worker | null = null;
  private exited: Promise<unknown> = Promise.resolve();
  /** Oldest first: the thread answers in order. */
  private waiting: Waiting[] = [];
  private failure: StoreError | null = null;
  private stopping: Promise<void> | null = null;

  /** `onFailure` is called at most once. The folder of `file` must exist at `start`. */
  constructor(file: string, onFailure: (error: StoreError) => void) {
    this.file = file;
    this.onFailure = onFailure;
  }

  async start(): Promise<void> {
    const workerData: DatabaseOptions = { file: this.file, sql: SQL_FOLDER };
    const worker = new Worker(workerModule('sqlite/worker'), { workerData });
    this.exited = new Promise((resolve) => worker.once('exit', resolve));
    const [answer] = (await once(worker, 'message')) as [DatabaseAnswer];
    if (answer.type === 'refused') {
      await this.exited;
      throw errorOf(answer);
    }
    this.worker = worker;
    worker.on('message', (next: DatabaseAnswer) => this.settle(next));
    worker.on('error', (error) => this.ended(error.message));
    worker.on('exit', () => this.worker && this.ended('it stopped by itself'));
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** Answered in the order of the calls. */
  protected call<Method extends DatabaseMethod>(
    method: Method,
    args: Parameters<DatabaseMethods[Method]>,
    transfer: ArrayBuffer[] = [],
  ): Promise<ReturnType<DatabaseMethods[Method]>> {
    const { worker } = this;
    if (this.failure) return Promise.reject(this.failure);
    if (!worker || this.stopping)
      return Promise.reject(new StoreError('stopped', 'The database is not open.'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage({ type: 'call', method, args } satisfies DatabaseRequest, transfer);
    });
  }

  /** A method of the port that is the thread's own. */
  protected forward<Method extends DatabaseMethod>(
    method: Method,
  ): (...args: Parameters<DatabaseMethods[Method]>) => Promise<ReturnType<DatabaseMethods[Method]>> {
    return (...args) => this.call(method, args);
  }

  private settle(answer: DatabaseAnswer): void {
    const waiting = this.waiting.shift();
    if (answer.type === 'done') waiting?.resolve(answer.value);
    if (answer.type !== 'refused') return;
    const error = errorOf(answer);
    waiting?.reject(error);
    if (error instanceof StoreError && error.code === 'database-failed') this.fail(error);
  }

  private ended(cause: string): void {
    this.fail(new StoreError('database-failed', `The thread of the database ${this.file} ended: ${cause}.`));
  }

  private fail(error: StoreError): void {
    if (this.failure) return;
    this.failure = error;
    const { waiting } = this;
    this.waiting = [];
    for (const { reject } of waiting) reject(error);
    this.onFailure(error);
  }

  /** Calls made before are answered first. */
  private async shutDown(): Promise<void> {
    this.worker?.postMessage({ type: 'close' } satisfies DatabaseRequest);
    this.worker = null;
    await this.exited;
  }
}

function errorOf({ code, message }: Refusal): Error {
  return code === null ? new Error(message) : new StoreError(code, message);
}
