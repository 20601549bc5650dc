/** The entry of the database thread: opens the file, as soon as nothing is in the way, and serves. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemTimers } from '../../base/system-timers.ts';
import { runnerOf } from './methods.ts';
import { type DatabaseOptions, type OpenDatabase, openDatabase } from './open-database.ts';
import { type DatabaseAnswer, DatabaseServer, databaseObstacle, refusal } from './server.ts';

const RETRY_MS = 1000;

function open(port: MessagePort, options: DatabaseOptions): void {
  let opened: OpenDatabase;
  try {
    opened = openDatabase(options);
  } catch (error) {
    const { message: cause } = error as Error;
    const obstacle = databaseObstacle(error);
    if (obstacle === 'database-locked') {
      port.postMessage({ type: 'obstacle', obstacle, cause } satisfies DatabaseAnswer);
      systemTimers.after(RETRY_MS, () => open(port, options));
    } else port.postMessage({ type: 'closed', ...refusal(options.file, error) } satisfies DatabaseAnswer);
    return;
  }
  const run = runnerOf(opened.database);
  new DatabaseServer({ port, file: options.file, ...opened, run, clock: systemTimers }).start();
}

if (!parentPort) throw new Error('sqlite/worker.ts is the entry of a worker thread');
open(parentPort, workerData as DatabaseOptions);
