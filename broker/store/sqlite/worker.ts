/** The database thread: owns the connection, serves one call after another. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import { StoreError } from '../ports.ts';
import { buffersOf, type PackedRows } from './device-rows.ts';
import type {
  DatabaseAnswer,
  DatabaseMethods,
  DatabaseOptions,
  DatabaseRequest,
  Refusal,
} from './messages.ts';
import { databaseMethods } from './methods.ts';
import { openDatabase } from './open-database.ts';

function serve(port: MessagePort, options: DatabaseOptions): void {
  let database: SqliteDatabase.Database;
  try {
    database = openDatabase(options);
  } catch (error) {
    port.postMessage(refusal(options.file, error));
    return;
  }
  const methods = databaseMethods(database, options.sql);
  port.on('message', (request: DatabaseRequest) => {
    if (request.type === 'call') return answer(port, options.file, methods, request);
    database.close();
    port.close();
  });
  port.postMessage({ type: 'opened' } satisfies DatabaseAnswer);
}

function answer(
  port: MessagePort,
  file: string,
  methods: DatabaseMethods,
  { method, args }: Extract<DatabaseRequest, { type: 'call' }>,
): void {
  try {
    const value = (methods[method] as (...args: readonly unknown[]) => unknown)(...args);
    const transfer = method === 'loadDevices' ? buffersOf(value as PackedRows) : [];
    port.postMessage({ type: 'done', value } satisfies DatabaseAnswer, transfer);
  } catch (error) {
    port.postMessage(refusal(file, error));
  }
}

/** A constraint is the caller's mistake; anything else that SQLite says means that it cannot be relied on any more. */
function refusal(file: string, error: unknown): Refusal {
  const { message } = error as Error;
  if (error instanceof StoreError) return { type: 'refused', code: error.code, message };
  const isFailure =
    error instanceof SqliteDatabase.SqliteError && !error.code.startsWith('SQLITE_CONSTRAINT');
  if (!isFailure) return { type: 'refused', code: null, message };
  return {
    type: 'refused',
    code: 'database-failed',
    message:
      `The database ${file} failed: ${message} (${error.code}). Nothing more is acknowledged. ` +
      'Check the disk (space, health, permissions) and start the broker again.',
  };
}

if (!parentPort) throw new Error('sqlite/worker.ts is the entry of a worker thread');
serve(parentPort, workerData as DatabaseOptions);
