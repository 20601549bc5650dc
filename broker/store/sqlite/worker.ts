/** The entry of the database thread: opens the file, as soon as nothing is in the way, and serves. */
import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import { systemTimers } from '../../base/system-timers.ts';
import { messagePort, type ThreadPort } from '../../base/worker-thread.ts';
import { runnerOf } from './methods.ts';
import { type DatabaseOptions, type OpenDatabase, openDatabase } from './open-database.ts';
import {
  type DatabaseAnswer,
  type DatabaseRequest,
  DatabaseServer,
  databaseObstacle,
  refusal,
} from './server.ts';

const RETRY_MS = 1000;

async function open(parent: MessagePort, options: DatabaseOptions): Promise<void> {
  const port: ThreadPort<DatabaseRequest, DatabaseAnswer> = messagePort(parent);
  let opened: OpenDatabase;
  try {
    opened = await openDatabase(options, () => guarded(parent));
  } catch (error) {
    const { message: cause } = error as Error;
    const obstacle = databaseObstacle(error);
    if (obstacle === 'database-locked') {
      port.send({ type: 'obstacle', obstacle, cause });
      systemTimers.after(RETRY_MS, () => void open(parent, options));
    } else port.send({ type: 'closed', ...refusal(options.file, error) });
    return;
  }
  const run = runnerOf(opened.database);
  new DatabaseServer({ port, file: options.file, ...opened, run, clock: systemTimers }).start();
}

/** Rejects with what kept the main thread from it, as SQLite said it. */
async function guarded(parent: MessagePort): Promise<void> {
  parent.postMessage({ type: 'guard' } satisfies DatabaseAnswer);
  const [answer] = (await once(parent, 'message')) as [DatabaseRequest];
  if (answer.type === 'unguarded') throw new SqliteDatabase.SqliteError(answer.message, answer.code);
}

if (!parentPort) throw new Error('sqlite/worker.ts is the entry of a worker thread');
void open(parentPort, workerData as DatabaseOptions);
