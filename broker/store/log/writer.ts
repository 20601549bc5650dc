/** The entry of the log's writer thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemTimers } from '../../base/system-timers.ts';
import { messagePort } from '../../base/worker-thread.ts';
import type { WriterOptions } from './segment-writer.ts';
import { type WriterReport, type WriterRequest, WriterThread } from './writer-thread.ts';

if (!parentPort) throw new Error('log/writer.ts is the entry of a worker thread');
new WriterThread(messagePort<WriterRequest, WriterReport>(parentPort), workerData as WriterOptions, {
  clock: systemTimers,
}).start();
