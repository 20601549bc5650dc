/** In the place of the bridge's thread: it ends as it is told, or takes all the memory that it may have. */
import { parentPort, workerData } from 'node:worker_threads';

const ENDS = {
  throws: () => {
    throw new Error('what the peer sent was too much');
  },
  exits: () => process.exit(1),
  'fills its memory': () => {
    for (const all = []; ; ) all.push(new Array(100_000).fill(Math.random()));
  },
};

parentPort.on('message', ({ type }) => {
  if (type === 'stop') parentPort.postMessage({ type: 'stopped' });
  else ENDS[workerData.ends]();
});
