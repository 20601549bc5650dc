/**
 * The event loop's end of the writer thread. Owns the thread and the appends that wait for it. After the first failure
 * every append rejects, those that wait included.
 */
import {
  type RunningThread,
  type StartThread,
  threadModule,
  WorkerThread,
} from '../../base/worker-thread.ts';
import type { SourceTable } from '../batch.ts';
import { type Commit, type LogRecord, type Obstacle, type StoredRecord, StoreError } from '../ports.ts';
import { isPayloadLength, MAX_PAYLOAD_BYTES } from './format.ts';
import type { Recovered } from './recovery.ts';
import type { WriterOptions } from './segment-writer.ts';
import type { WriterReport, WriterRequest } from './writer-thread.ts';

/** Starts a thread that serves as `WriterThread` does. */
export type StartWriter = StartThread<WriterOptions, WriterRequest, WriterReport>;

/** A thread of its own for each. */
export const startWriterThread: StartWriter = (options, events) =>
  new WorkerThread(threadModule(import.meta.url, './writer'), { workerData: options }, events);

export interface WriterEvents {
  /** Before the appends of these records resolve. */
  committed(records: readonly LogRecord[], syncMilliseconds: number): void;
  rolled(base: number): void;
  /** Appends wait until it passes (null). */
  obstructed(obstacle: Obstacle | null, cause: string): void;
  /** Once. */
  failed(error: StoreError): void;
}

/** An append that waits for the disk. */
interface PendingAppend {
  readonly records: number;
  readonly sources: SourceTable;
  resolve(commit: Commit): void;
  reject(error: StoreError): void;
}

export class WriterClient {
  private readonly startThread: StartWriter;
  private readonly options: WriterOptions;
  private readonly events: WriterEvents;
  private thread: RunningThread<WriterRequest> | null = null;
  private state: 'opening' | 'open' | 'stopping' = 'opening';
  /** Oldest first: the thread answers in order. */
  private waiting: PendingAppend[] = [];
  private failure: StoreError | null = null;

  constructor(startThread: StartWriter, options: WriterOptions, events: WriterEvents) {
    this.startThread = startThread;
    this.options = options;
    this.events = events;
  }

  /** Starts the thread; resolves when the log is recovered and open. Rejects with `log-corrupt` or `log-failed`. */
  async start(): Promise<Recovered> {
    const report = await new Promise<WriterReport>((resolve, reject) => {
      this.thread = this.startThread(this.options, {
        reported: (next) => (this.state === 'opening' ? resolve(next) : this.handleReport(next)),
        ended: (error) => {
          if (this.state === 'opening') reject(failed(this.options.folder, endOf(error)));
          else if (this.state === 'open') this.fail(endOf(error));
        },
      });
    });
    if (report.type !== 'opened') {
      await this.thread?.gone;
      this.thread = null;
      throw refusal(report);
    }
    this.state = 'open';
    return report;
  }

  /** `sources`: what the records name. */
  append(payloads: readonly Uint8Array<ArrayBuffer>[], sources: SourceTable): Promise<Commit> {
    if (this.failure) return Promise.reject(this.failure);
    if (payloads.length === 0) return Promise.reject(new RangeError('there is no record to append'));
    const bad = payloads.find(({ length }) => !isPayloadLength(length));
    if (bad) {
      return Promise.reject(
        new RangeError(`a record holds 1 to ${MAX_PAYLOAD_BYTES} bytes, not ${bad.length}`),
      );
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ records: payloads.length, sources, resolve, reject });
      this.send(
        { type: 'append', payloads },
        payloads.map(({ buffer }) => buffer),
      );
    });
  }

  roll(): void {
    if (!this.failure) this.send({ type: 'roll' });
  }

  /** Waits for what was appended and for the thread's end. What waits for an obstacle is given up, and rejects. */
  async stop(): Promise<void> {
    this.send({ type: 'close' });
    this.state = 'stopping';
    await this.thread?.gone;
    this.thread = null;
    this.rejectAll(new StoreError('stopped', 'The log was closed before the disk took it.'));
  }

  private send(request: WriterRequest, transfer: ArrayBuffer[] = []): void {
    this.thread?.send(request, transfer);
  }

  private handleReport(report: WriterReport): void {
    if (report.type === 'committed') this.settle(report.records, report.syncMilliseconds);
    else if (report.type === 'rolled') this.events.rolled(report.base);
    else if (report.type === 'waiting') this.events.obstructed(report.obstacle, report.message);
    else if (report.type === 'going-on') this.events.obstructed(null, '');
    else if (report.type === 'failed') this.fail(report.message);
  }

  private settle(stored: readonly StoredRecord[], syncMilliseconds: number): void {
    const records: LogRecord[] = [];
    const settled: (() => void)[] = [];
    while (records.length < stored.length) {
      const { records: count, sources, resolve } = this.waiting.shift() as PendingAppend;
      const own = stored.slice(records.length, records.length + count);
      records.push(...own.map((record) => ({ ...record, sources })));
      const { position } = own[0] as StoredRecord;
      const { end } = own.at(-1) as StoredRecord;
      settled.push(() => resolve({ position, end }));
    }
    this.events.committed(records, syncMilliseconds);
    for (const resolve of settled) resolve();
  }

  private fail(cause: string): void {
    if (this.failure) return;
    this.failure = failed(this.options.folder, cause);
    this.rejectAll(this.failure);
    this.events.failed(this.failure);
  }

  private rejectAll(error: StoreError): void {
    const { waiting } = this;
    this.waiting = [];
    for (const { reject } of waiting) reject(error);
  }
}

function refusal(report: WriterReport): StoreError {
  if (report.type === 'refused') return new StoreError(report.code, report.message);
  return new StoreError('log-failed', `the writer thread answered ${report.type} instead of opening the log`);
}

function endOf(error: Error | null): string {
  return error ? `the writer thread ended: ${error.message}` : 'the writer thread ended by itself';
}

function failed(folder: string, cause: string): StoreError {
  return new StoreError(
    'log-failed',
    `Writing the log in ${folder} failed: ${cause}. Nothing more is acknowledged. ` +
      'Check the disk (space, health, permissions) and start the broker again.',
  );
}
