/**
 * What an idle device costs in memory: `npx tsx bench/idle.ts [connections]`, after a build. Memory is read after a
 * garbage collection, and the first connections are not counted, since they pay for what all share.
 */
import { LOAD_CORE, pause } from './measure.ts';
import type { IdleRequest, ServerMark, ServerReady } from './messages.ts';
import { Peer } from './peer.ts';
import { withBench } from './servers.ts';

const FIRST = 500;
const KIB = 1024;
/** KiB a connection that the README promises at most. */
const PROMISED = 16;

interface PerConnection {
  readonly resident: number;
  readonly heap: number;
  readonly external: number;
}

function perConnection(before: ServerMark, after: ServerMark, count: number): PerConnection {
  const kib = (key: keyof NodeJS.MemoryUsage) => (after.memory[key] - before.memory[key]) / count / KIB;
  return { resident: kib('rss'), heap: kib('heapUsed'), external: kib('external') };
}

function print(title: string, { resident, heap, external }: PerConnection): void {
  const figures = [
    `resident ${resident.toFixed(1)}`,
    `heap ${heap.toFixed(1)}`,
    `external ${external.toFixed(1)}`,
  ];
  console.log(`${title.padEnd(44)} KiB a connection: ${figures.join(', ')}`);
}

const count = Number(process.argv[2] ?? 10_000);
const client = new Peer<IdleRequest>('idle-client.ts', LOAD_CORE);
try {
  await withBench('broker', ['--expose-gc'], async (bench) => {
    const ready = await bench.server.ask<ServerReady>({ ask: 'ready' });
    await client.ask({ ask: 'connect', ...ready, count: FIRST });
    const before = await bench.mark('collected');
    await client.ask({ ask: 'connect', ...ready, count });
    const connected = perConnection(before, await bench.mark('collected'), count);
    print(`${count} devices, connected`, connected);
    await client.ask({ ask: 'speak' });
    while ((await bench.mark()).frames < FIRST + count) await pause(100);
    // Their acks have gone and the checkpoint is written.
    await pause(3000);
    print(
      'the same, after a hello and a reading each',
      perConnection(before, await bench.mark('collected'), count),
    );
    await client.ask({ ask: 'disconnect' });
    const kept = connected.resident <= PROMISED;
    console.log(`${kept ? 'kept  ' : 'MISSED'} at most ${PROMISED} KiB for an idle connection`);
    process.exitCode = kept ? 0 : 1;
  });
} finally {
  client.kill();
}
