/**
 * Serves calls in the database thread, one after another, and declares the messages between it and its client. Calls that
 * come together share one mark, which is durable before any of them is answered. Where a write meets an obstacle
 * (store/obstacles.ts), it and the writes after it wait, in their order, and reads go on. Owns what waits, and the answers
 * that are not given yet.
 */
import SqliteDatabase from 'better-sqlite3';
import type { Clock, Timer } from '../../base/clock.ts';
import type { ThreadPort } from '../../base/worker-thread.ts';
import type { MarkFile } from '../mark.ts';
import { obstacleOf } from '../obstacles.ts';
import { type Obstacle, StoreError, type StoreErrorCode } from '../ports.ts';
import { packValue, unpackArgs } from './device-rows.ts';
import { kindOf, type MethodCall, type RunCall } from './methods.ts';
import { BUSY_TIMEOUT_MS } from './open-database.ts';
import type { PageSums } from './page-sums.ts';

export type DatabaseRequest =
  /** `id`: of the answer; reads are answered while writes wait. */
  | (MethodCall & { readonly type: 'call'; readonly id: number })
  /** Finish with the file; what waits is refused. */
  | { readonly type: 'close' }
  /** Answers `guard`: SQLite will copy nothing by itself; or what SQLite said. */
  | { readonly type: 'guarded' }
  | { readonly type: 'unguarded'; readonly code: string; readonly message: string }
  /** Answers `finished`: close the file and let the thread end. */
  | { readonly type: 'released' };

export interface CallRefusal {
  /** null: a mistake of the caller, which leaves the database as it was. */
  readonly code: StoreErrorCode | null;
  readonly message: string;
}

export type CallAnswer =
  | {
      readonly type: 'done';
      readonly id: number;
      readonly method: MethodCall['method'];
      readonly value: unknown;
    }
  | ({ readonly type: 'refused'; readonly id: number } & CallRefusal);

export type DatabaseAnswer =
  /** Hold the guard (`CopyGuard`), while the database is opened. */
  | { readonly type: 'guard' }
  | { readonly type: 'opened' }
  /** All is copied and has its sums: the guard is to be let go. */
  | { readonly type: 'finished' }
  /** It cannot be opened; the thread ends. */
  | ({ readonly type: 'closed' } & CallRefusal)
  /** What writes waits for this to pass; null: it has. */
  | { readonly type: 'obstacle'; readonly obstacle: Obstacle | null; readonly cause: string }
  | CallAnswer;

type DatabaseCall = Extract<DatabaseRequest, { type: 'call' }>;

/** Calls that share a mark, and how long the first of them waits for others; ms. */
const GROUP_CALLS = 64;
const GROUP_MS = 2;
const RETRY_MS = 250;

export interface ServerParts {
  readonly port: ThreadPort<DatabaseRequest, DatabaseAnswer>;
  readonly file: string;
  readonly database: Pick<SqliteDatabase.Database, 'pragma' | 'close'>;
  readonly mark: Pick<MarkFile, 'generation' | 'raise' | 'close'>;
  readonly sums: Pick<PageSums, 'follow' | 'finish' | 'close'>;
  readonly run: RunCall;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
}

export class DatabaseServer {
  private readonly parts: ServerParts;
  private generation: number;
  private readonly held: DatabaseCall[] = [];
  private answers: CallAnswer[] = [];
  private obstacle: Obstacle | null = null;
  private timer: Timer | null = null;

  constructor(parts: ServerParts) {
    this.parts = parts;
    this.generation = parts.mark.generation;
  }

  start(): void {
    this.parts.port.receive((request) => this.serve(request));
    this.post({ type: 'opened' });
  }

  private serve(first: DatabaseRequest): void {
    const { clock } = this.parts;
    const until = clock.monotonic() + GROUP_MS;
    let next: DatabaseRequest | null = first;
    for (let calls = 1; next?.type === 'call'; calls += 1) {
      this.accept(next);
      const isWhole = calls >= GROUP_CALLS || clock.monotonic() > until;
      next = isWhole ? null : this.parts.port.queued();
    }
    this.answer();
    if (next?.type === 'close') this.finish();
    else if (next) this.close();
    else this.follow();
  }

  /** Nobody waits for it. What is in its way passes, and is met by the next who writes. */
  private follow(): void {
    try {
      this.parts.sums.follow();
    } catch (error) {
      if (!databaseObstacle(error)) throw error;
    }
  }

  private accept(request: DatabaseCall): void {
    const call = { ...request, args: unpackArgs(request.method, request.args) };
    const waits = this.held.length > 0 && kindOf(call) !== 'read';
    if (waits || !this.attempt(call)) this.held.push(call);
  }

  /** Whether it was answered; if not, nothing of it was done. */
  private attempt(call: DatabaseCall): boolean {
    try {
      const { value, generation } = this.parts.run(call);
      this.generation = generation ?? this.generation;
      this.answers.push({ type: 'done', id: call.id, method: call.method, value });
    } catch (error) {
      const obstacle = databaseObstacle(error);
      if (obstacle) {
        this.wait(obstacle, error);
        return false;
      }
      this.answers.push({ type: 'refused', id: call.id, ...refusal(this.parts.file, error) });
    }
    return true;
  }

  /** Answers, once what they tell of is marked. */
  private answer(): void {
    if (!this.raiseMark()) return;
    const { answers } = this;
    this.answers = [];
    for (const answer of answers) this.post(answer);
  }

  private raiseMark(): boolean {
    const { mark, file } = this.parts;
    if (this.generation === mark.generation) return true;
    try {
      mark.raise(this.generation);
    } catch (error) {
      const obstacle = obstacleOf(error);
      if (obstacle) this.wait(obstacle, error);
      else this.answers = this.answers.map(({ id }) => ({ type: 'refused', id, ...failure(file, error) }));
      return !obstacle;
    }
    return true;
  }

  private wait(obstacle: Obstacle, error: unknown): void {
    if (this.obstacle !== obstacle) {
      const cause = (error as Error).message;
      this.post({ type: 'obstacle', obstacle, cause });
      // Reads must not wait for the lock with each new try.
      this.parts.database.pragma('busy_timeout = 0');
    }
    this.obstacle = obstacle;
    this.timer ??= this.parts.clock.after(RETRY_MS, () => this.retry());
  }

  private retry(): void {
    this.timer = null;
    for (let [call] = this.held; call && this.attempt(call); [call] = this.held) this.held.shift();
    this.answer();
    if (this.timer !== null) return;
    this.obstacle = null;
    this.parts.database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    this.post({ type: 'obstacle', obstacle: null, cause: '' });
  }

  private finish(): void {
    const { sums, file } = this.parts;
    this.timer?.cancel();
    const message = `The database ${file} was closed before it could store this.`;
    for (const { id } of this.held) this.post({ type: 'refused', id, code: 'stopped', message });
    sums.finish();
    this.post({ type: 'finished' });
  }

  private close(): void {
    const { port, database, mark, sums } = this.parts;
    database.close();
    sums.close();
    mark.close();
    port.close();
  }

  private post(answer: DatabaseAnswer): void {
    const { port } = this.parts;
    if (answer.type === 'done') {
      const { data, transfer } = packValue(answer.method, answer.value);
      port.send({ ...answer, value: data }, transfer);
    } else port.send(answer);
  }
}

/** What passes by itself; null: it is a failure, or a mistake of the caller. */
export function databaseObstacle(error: unknown): Obstacle | null {
  if (!(error instanceof SqliteDatabase.SqliteError)) return obstacleOf(error);
  if (error.code.startsWith('SQLITE_BUSY')) return 'database-locked';
  return error.code === 'SQLITE_FULL' ? 'disk-full' : null;
}

/** A constraint is the caller's mistake; anything else that SQLite says means that it cannot be relied on any more. */
export function refusal(file: string, error: unknown): CallRefusal {
  const { message } = error as Error;
  if (error instanceof StoreError) return { code: error.code, message };
  const isFailure =
    error instanceof SqliteDatabase.SqliteError && !error.code.startsWith('SQLITE_CONSTRAINT');
  return isFailure ? failure(file, error) : { code: null, message };
}

function failure(file: string, error: unknown): CallRefusal {
  const { message, code = 'unknown' } = error as NodeJS.ErrnoException;
  return {
    code: 'database-failed',
    message:
      `The database ${file} failed: ${message} (${code}). Nothing more is acknowledged. ` +
      'Check the disk (space, health, permissions) and start the broker again.',
  };
}
