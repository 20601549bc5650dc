/** Runs one measurement: a load on a server for a while, and what the two said of it. */
import type { LoadMark, LoadRequest, ServerMark, ServerReady, ServerRequest } from './messages.ts';
import { Peer } from './peer.ts';

export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

export interface Load {
  readonly framesPerWrite: number;
  /** In all; 0: as much as the sockets take. */
  readonly framesPerSecond: number;
}

export interface Measured {
  readonly framesPerSecond: number;
  /** CPU of the server, all threads, µs for each frame. */
  readonly cpuPerFrame: number;
  /** Of the one core that the server has; below 1 the load was the limit. */
  readonly busy: number;
  readonly longestTurn: number;
  /** Written into the telemetry log, for each frame; a frame holds one sample here. */
  readonly logBytesPerFrame: number;
  readonly ack: LoadMark['ack'];
  readonly viewerBytesPerSecond: number;
}

/** A server and its load, both running. */
export class Bench {
  readonly server: Peer<ServerRequest>;
  readonly load = new Peer<LoadRequest>('load.ts', LOAD_CORE);

  constructor(server: Peer<ServerRequest>) {
    this.server = server;
  }

  async connect(devices: number, viewers: number): Promise<void> {
    const ready = await this.server.ask<ServerReady>({ ask: 'ready' });
    await this.load.ask({ ask: 'connect', ...ready, devices, viewers });
  }

  mark(memory: 'as-is' | 'collected' = 'as-is'): Promise<ServerMark> {
    return this.server.ask({ ask: 'mark', memory });
  }

  /**
   * Runs the load for `warmup` and then `window` ms and measures the latter. `settle`: waits until the server has
   * dealt with all of it; `leave`: what the kernel still holds, a gigabyte after a flood, is left to `stop`.
   */
  async measure(load: Load, warmup: number, window: number, end: 'settle' | 'leave'): Promise<Measured> {
    await this.load.ask({ ask: 'send', ...load });
    await pause(warmup);
    await this.load.ask({ ask: 'mark' });
    const before = await this.mark();
    await pause(window);
    const after = await this.mark();
    const { ack, viewerBytes } = await this.load.ask<LoadMark>({ ask: 'mark' });
    if (end === 'settle') await this.settle();
    const seconds = (after.at - before.at) / 1000;
    const frames = after.frames - before.frames;
    return {
      framesPerSecond: frames / seconds,
      cpuPerFrame: (after.cpu - before.cpu) / frames,
      busy: (after.cpu - before.cpu) / 1e6 / seconds,
      longestTurn: after.longestTurn,
      logBytesPerFrame: (after.logBytes - before.logBytes) / frames,
      ack,
      viewerBytesPerSecond: viewerBytes / seconds,
    };
  }

  async stop(): Promise<void> {
    await this.load.ask({ ask: 'disconnect' });
    await this.server.ask({ ask: 'stop' });
    await Promise.all([this.load.ended(), this.server.ended()]);
  }

  kill(): void {
    this.load.kill();
    this.server.kill();
  }

  /** Ends the load; throws if the server does not have every frame after a while. */
  private async settle(): Promise<void> {
    const { sent } = await this.load.ask<LoadMark>({ ask: 'stop' });
    for (let tries = 0; tries < 600; tries += 1) {
      if ((await this.mark()).frames === sent) return;
      await pause(50);
    }
    throw new Error(`of ${sent} frames the server has ${(await this.mark()).frames}`);
  }
}

export const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
