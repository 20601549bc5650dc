/** The entry of the database thread: opens the file, as soon as nothing is in the way, and serves. */
import { parentPort, workerData } from 'node:worker_threads';
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

const clock = { monotonic: () => performance.now(), ...systemTimers };

function open(port: ThreadPort<DatabaseRequest, DatabaseAnswer>, options: DatabaseOptions): void {
  let opened: OpenDatabase;
  try {
    opened = openDatabase(options);
  } catch (error) {
    const { message: cause } = error as Error;
    const obstacle = databaseObstacle(error);
    if (obstacle === 'database-locked') {
      port.send({ type: 'obstacle', obstacle, cause });
      systemTimers.after(RETRY_MS, () => open(port, options));
    } else port.send({ type: 'closed', ...refusal(options.file, error) });
    return;
  }
  const run = runnerOf(opened.database);
  new DatabaseServer({ port, file: options.file, ...opened, run, clock }).start();
}

if (!parentPort) throw new Error('sqlite/worker.ts is the entry of a worker thread');
open(messagePort(parentPort), workerData as DatabaseOptions);
