/** The entry of the bridge's worker thread: hands it the thread's own clock and randomness, real streams, and its port. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemTimers } from '../../base/system-timers.ts';
import { messagePort } from '../../base/worker-thread.ts';
import type { WorkerOptions } from '../messages.ts';
import { dial } from '../mqtt/addresses.ts';
import { BridgeThread } from './bridge-thread.ts';

if (!parentPort) throw new Error('bridge/thread/worker.ts is the entry of a worker thread');
new BridgeThread({
  port: messagePort(parentPort),
  options: workerData as WorkerOptions,
  dial,
  clock: { now: () => Date.now(), ...systemTimers },
  random: () => Math.random(),
}).start();
