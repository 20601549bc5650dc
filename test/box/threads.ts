/**
 * Threads without threads: what would run in one runs in turns of its own, and messages between it and its starter are copied, arrive
 * in order and take a moment. A thread that waits for its disk gets no message meanwhile.
 */
import type { Clock } from '../../broker/base/clock.ts';
import type { RunningThread, ThreadPort, WorkerThreadEvents } from '../../broker/base/worker-thread.ts';
import { copyOf } from './message-copy.ts';
import { clockOf, type SimulatedProcess } from './process.ts';
import type { Owner, World } from './world.ts';

/** ms that a message takes. */
const DELAY: readonly [number, number] = [0.01, 0.4];

export class SimulatedThread<Request, Report> implements RunningThread<Request>, Owner {
  readonly name: string;
  /** Its timers end with it. */
  readonly clock: Clock;
  readonly gone: Promise<void>;
  readonly port: ThreadPort<Request, Report>;
  private readonly world: World;
  private readonly process: SimulatedProcess;
  private readonly events: WorkerThreadEvents<Report>;
  private readonly requests: Request[] = [];
  private handle: ((request: Request) => void) | null = null;
  private state: 'running' | 'ended' = 'running';
  private busyUntil = 0;
  private lastRequestAt = 0;
  private lastReportAt = 0;
  private serving = false;
  private isGone: () => void = () => {};

  constructor(world: World, process: SimulatedProcess, events: WorkerThreadEvents<Report>) {
    this.world = world;
    this.process = process;
    this.events = events;
    this.name = process.name;
    this.clock = clockOf(world, this, process.clock);
    this.gone = new Promise((resolve) => {
      this.isGone = resolve;
    });
    this.port = {
      send: (report, transfer = []) => this.report(copyOf(report, transfer)),
      receive: (handle) => {
        this.handle = handle;
        this.serve();
      },
      queued: () => this.requests.shift() ?? null,
      close: () => this.end(null),
    };
  }

  get alive(): boolean {
    return this.process.alive && this.state === 'running';
  }

  get heldUntil(): number {
    return this.process.heldUntil;
  }

  send(request: Request, transfer: ArrayBuffer[] = []): void {
    const copy = copyOf(request, transfer);
    if (this.state === 'ended' || !this.process.effect()) return;
    this.lastRequestAt = this.arrival(this.lastRequestAt);
    this.world.after(
      this.lastRequestAt - this.world.time,
      () => {
        this.requests.push(copy);
        // What has just come needs no other turn, if nothing is in its way.
        if (this.isIdle && this.busyUntil <= this.world.time) this.serveOne();
        else this.serve();
      },
      this.process,
    );
  }

  terminate(): void {
    this.end(null);
  }

  /** It ends by itself. */
  fail(error: Error): void {
    if (this.alive) this.end(error);
  }

  /** Runs its beginning, as the entry file of a thread does. One that listens for nothing then has ended. */
  begin(start: () => void): void {
    this.world.after(
      this.arrival(0) - this.world.time,
      () => {
        this.attempt(start);
        if (!this.handle) this.end(null);
      },
      this.process,
    );
  }

  /** It does nothing for so long, as in a call that blocks. */
  block(milliseconds: number): void {
    this.busyUntil = Math.max(this.busyUntil, this.world.time) + milliseconds;
  }

  /** It runs, and no turn of its own is due. */
  private get isIdle(): boolean {
    return !this.serving && this.handle !== null && this.state === 'running';
  }

  private serve(): void {
    if (!this.isIdle || this.requests.length === 0) return;
    this.serving = true;
    this.world.after(
      this.busyUntil - this.world.time,
      () => {
        this.serving = false;
        this.serveOne();
      },
      this.process,
    );
  }

  private serveOne(): void {
    const request = this.requests.shift();
    if (request === undefined || this.state === 'ended') return;
    this.attempt(() => this.handle?.(request));
    this.serve();
  }

  /** What it throws ends it. */
  private attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.end(error as Error);
    }
  }

  private report(report: Report): void {
    if (!this.process.effect()) return;
    this.lastReportAt = Math.max(this.arrival(this.lastReportAt), this.busyUntil);
    this.world.after(this.lastReportAt - this.world.time, () => this.events.reported(report), this.process);
  }

  private end(error: Error | null): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.lastReportAt = this.arrival(this.lastReportAt);
    this.world.after(
      this.lastReportAt - this.world.time,
      () => {
        this.events.ended(error);
        this.isGone();
      },
      this.process,
    );
  }

  private arrival(last: number): number {
    const [least, most] = DELAY;
    return Math.max(last, this.world.time + this.world.random.between(least, most));
  }
}
