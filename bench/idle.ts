/**
 * `npx node bench/idle.ts` after a build: what an idle device connection costs the broker in memory. First connected and
 * greeted only, then with four metrics of last-known state as well. Promised: at most 16 KiB each.
 */

import { pause } from './measure.ts';
import type { LoadMark, ServerMark } from './messages.ts';
import { withBench } from './servers.ts';

const CONNECTIONS = 10_000;
/** Connected before the first measurement, so that what is made once is not counted. */
const FIRST = 200;
const KIB = 1024;

function print(what: string, before: ServerMark, after: ServerMark): number {
  const each = (read: (memory: NodeJS.MemoryUsage) => number) =>
    (read(after.memory) - read(before.memory)) / CONNECTIONS / KIB;
  const resident = each(({ rss }) => rss);
  console.log(
    `${what}: ${resident.toFixed(1)} KiB resident a connection ` +
      `(heap ${each(({ heapUsed }) => heapUsed).toFixed(1)}, outside it ${each(({ external }) => external).toFixed(1)})`,
  );
  return resident;
}

const resident = await withBench('broker', ['--expose-gc'], async (bench) => {
  await bench.connect(FIRST, 0);
  await pause(1000);
  const before = await bench.mark('collected');
  await bench.connect(CONNECTIONS, 0);
  await pause(1000);
  const idle = print(`${CONNECTIONS} idle connections`, before, await bench.mark('collected'));

  await bench.load.ask({ ask: 'send', framesPerWrite: 1, framesPerSecond: 5000 });
  await pause((1000 * (CONNECTIONS + FIRST)) / 5000);
  await bench.load.ask<LoadMark>({ ask: 'stop' });
  await pause(3000);
  const known = print('with last-known state', before, await bench.mark('collected'));
  return { idle, known };
});
const kept = resident.idle <= 16;
console.log(`${kept ? 'kept  ' : 'MISSED'} at most 16 KiB each`);
process.exitCode = kept ? 0 : 1;
