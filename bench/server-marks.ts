/**
 * Answers what the benchmark asks of a server (messages.ts), the broker and the bare one alike: its frames, CPU time,
 * longest turn, memory, and what it wrote into its log.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ServerMark, ServerReady, ServerRequest, SlowViewers } from './messages.ts';
import { answer } from './peer.ts';

/** Period of the event loop's histogram, ms: what is above it is a turn's. */
const RESOLUTION = 5;

export interface BenchServer extends ServerReady {
  frames(): number;
  /** Of the telemetry log so far. */
  logBytes(): number;
  viewers(): SlowViewers;
  stop(): Promise<void>;
}

/** `server` may still be starting. */
export function serveMarks(server: Promise<BenchServer>): void {
  const turns = monitorEventLoopDelay({ resolution: RESOLUTION });
  turns.enable();
  const mark = ({ frames, logBytes, viewers }: BenchServer): ServerMark => {
    const { user, system } = process.cpuUsage();
    const longestTurn = Math.max(0, turns.max / 1e6 - RESOLUTION);
    turns.reset();
    return {
      at: performance.now(),
      frames: frames(),
      logBytes: logBytes(),
      cpu: user + system,
      longestTurn,
      memory: process.memoryUsage(),
      viewers: viewers(),
    };
  };
  answer<ServerRequest>(async (request) => {
    const running = await server;
    const { port, deviceKey, quietKey, viewerKey } = running;
    if (request.ask === 'ready') return { port, deviceKey, quietKey, viewerKey };
    if (request.ask === 'mark') {
      if (request.memory === 'collected') for (let round = 0; round < 3; round += 1) globalThis.gc?.();
      return mark(running);
    }
    await running.stop();
    return {};
  });
}
