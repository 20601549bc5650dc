/** The entry of the bridge's worker thread: hands it the thread's own clock and randomness, real streams, and its port. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemTimers } from '../../base/system-timers.ts';
import type { WorkerOptions, WorkerRequest } from '../messages.ts';
import { dial } from '../mqtt/servers.ts';
import { BridgeThread } from './bridge-thread.ts';

if (!parentPort) throw new Error('bridge/thread/worker.ts is the entry of a worker thread');
const port = parentPort;
new BridgeThread({
  port: {
    send: (report) => port.postMessage(report),
    receive: (handle) => port.on('message', (request: WorkerRequest) => handle(request)),
  },
  options: workerData as WorkerOptions,
  dial,
  clock: { now: () => Date.now(), monotonic: () => performance.now(), ...systemTimers },
  random: () => Math.random(),
}).start();
