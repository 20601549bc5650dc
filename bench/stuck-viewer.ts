/**
 * `npx node bench/stuck-viewer.ts` after a build: a viewer of a busy fleet that reads nothing. Promised: it costs the
 * broker at most 1 MiB, is closed, and neither devices nor the viewer beside it notice. Memory is measured while nothing
 * is sent, after a garbage collection: what is left is what somebody holds.
 */
import { type Bench, type Load, pause } from './measure.ts';
import type { LoadMark, ServerMark } from './messages.ts';
import { withBench } from './servers.ts';

const DEVICES = 2000;
/** Every device four times a second: all that a viewer is told of it, 3 MB/s. */
const LOAD: Load = { framesPerWrite: 1, framesPerSecond: 4 * DEVICES };
/** Fills the broker's memory for recent records, so that it does not grow while the viewer is watched. */
const FLOOD: Load = { framesPerWrite: 16, framesPerSecond: 150_000 };
/** The kernel's buffers are full after some of it, and the broker's patience of 10 s is not over. */
const SENDING = 8000;
const QUIET = 1500;
const MIB = 1024 * 1024;

const used = ({ memory }: ServerMark) => memory.heapUsed + memory.external;

/** Sends for a while, then measures in the quiet. */
async function phase(bench: Bench, what: string): Promise<ServerMark> {
  await bench.load.ask({ ask: 'mark' });
  await bench.load.ask({ ask: 'send', ...LOAD });
  await pause(SENDING);
  const { ack, viewerBytes } = await bench.load.ask<LoadMark>({ ask: 'stop' });
  await pause(QUIET);
  const mark = await bench.mark('collected');
  console.log(
    `${what}: ${(used(mark) / MIB).toFixed(2)} MiB, ack p99 ${ack.p99.toFixed(1)} ms, ` +
      `the viewer that reads gets ${((viewerBytes / MIB / SENDING) * 1000).toFixed(1)} MiB/s`,
  );
  return mark;
}

const kept = await withBench('broker', ['--expose-gc'], async (bench) => {
  await bench.connect(DEVICES, 1);
  await bench.measure(FLOOD, 3000, 1000, 'settle');
  await phase(bench, 'warm-up');
  const before = await phase(bench, 'without a stuck viewer');
  await bench.load.ask({ ask: 'stuck-viewer' });
  const during = await phase(bench, 'with a stuck viewer');
  const after = await phase(bench, 'after its close');
  const cost = (used(during) - used(before)) / MIB;
  const isStuck = during.viewers.skips > before.viewers.skips && during.viewers.closed === 0;
  if (!isStuck) throw new Error('the viewer was not stuck when memory was measured');
  console.log(
    `it cost ${cost.toFixed(2)} MiB and was ${after.viewers.closed === 1 ? 'closed' : 'not closed'}`,
  );
  return cost <= 1 && after.viewers.closed === 1;
});
console.log(`${kept ? 'kept  ' : 'MISSED'} at most 1 MiB, and closed`);
process.exitCode = kept ? 0 : 1;
