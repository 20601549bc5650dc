/**
 * Runs the bridge's thread, seen from the event loop. Owns the thread and bounds its memory, so that whatever the server
 * does to it stays there; when one ends by itself, starts another after a pause that grows.
 */
import { Backoff, type BackoffOptions } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type RunningThread, type StartThread, threadModule, WorkerThread } from '../base/worker-thread.ts';
import type { WorkerOptions, WorkerReport, WorkerRequest } from './messages.ts';

export type StartBridgeThread = StartThread<WorkerOptions, WorkerRequest, WorkerReport>;

const MEMORY_MB = 256;

/** A thread of its own for each, with a bound on its memory. `module`: the thread's file. */
export function bridgeThreads(module = threadModule(import.meta.url, './thread/worker')): StartBridgeThread {
  return (options, events) =>
    new WorkerThread(
      module,
      { workerData: options, resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } },
      events,
    );
}

export interface WorkerClientParts {
  readonly startThread: StartBridgeThread;
  readonly options: () => WorkerOptions;
  /** A new thread has begun; it knows nothing. */
  readonly started: () => void;
  readonly reported: (report: WorkerReport) => void;
  /** A thread has ended by itself. */
  readonly crashed: (message: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** After a thread that lived long; ms. */
const SHORT_PAUSE_MS = 500;
/** After one that did not: each time twice as long, all of it. */
const PAUSES_MS: BackoffOptions = { first: 1000, most: 30_000, least: (ceiling) => ceiling, random: () => 1 };
/** A thread that lived this long did not end because of how it was started. */
const SOUND_MS = 60_000;
/** For acknowledgements and the goodbye, which have their own bounds in the thread. */
const STOP_MS = 6000;

export class WorkerClient {
  private readonly parts: WorkerClientParts;
  private thread: RunningThread<WorkerRequest> | null = null;
  private state: 'new' | 'running' | 'pausing' | 'stopping' | 'stopped' = 'new';
  /** Monotonic ms. */
  private startedAt = 0;
  /** Of threads that ended soon, one after the other. */
  private readonly backoff = new Backoff(PAUSES_MS);
  private pause: Timer | null = null;
  /** Threads that ended by themselves. */
  crashes = 0;

  constructor(parts: WorkerClientParts) {
    this.parts = parts;
  }

  start(): void {
    if (this.state !== 'new' && this.state !== 'pausing') return;
    const { startThread, options, clock, started, reported } = this.parts;
    this.state = 'running';
    this.startedAt = clock.monotonic();
    const thread = startThread(options(), {
      reported: (report) => {
        if (report.type === 'stopped') thread.terminate();
        reported(report);
      },
      ended: (error) => this.exited(error?.message ?? 'it ended by itself'),
    });
    this.thread = thread;
    started();
  }

  /** Lost if there is no thread at the moment: `started` tells when to begin anew. */
  send(request: WorkerRequest, transfer: ArrayBuffer[] = []): void {
    this.thread?.send(request, transfer);
  }

  /** Lets the thread say goodbye. Idempotent. */
  async stop(): Promise<void> {
    if (this.state === 'stopping' || this.state === 'stopped') return;
    this.pause?.cancel();
    const { thread } = this;
    this.state = thread ? 'stopping' : 'stopped';
    if (!thread) return;
    const patience = this.parts.clock.after(STOP_MS, () => thread.terminate());
    this.send({ type: 'stop' });
    await thread.gone;
    patience.cancel();
    this.state = 'stopped';
  }

  private exited(reason: string): void {
    this.thread = null;
    if (this.state !== 'running') return;
    const { clock, logger, crashed } = this.parts;
    this.crashes += 1;
    const wasSound = clock.monotonic() - this.startedAt >= SOUND_MS;
    if (wasSound) this.backoff.reset();
    const pause = wasSound ? SHORT_PAUSE_MS : this.backoff.next();
    logger.error({ reason, pause }, 'The thread of the MQTT bridge has ended; a new one follows.');
    this.state = 'pausing';
    crashed(reason);
    this.pause = clock.after(pause, () => this.start());
  }
}
