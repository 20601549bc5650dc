/**
 * The writer thread of the log: takes what was queued while the last sync was in flight, commits it in one go and
 * hands the payloads back. The first error is reported and ends all writing (fail-stop): after a failed fdatasync
 * the kernel may have dropped the pages, so a second try would prove nothing.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { StoreError } from '../ports.ts';
import type { WriterOptions, WriterReport, WriterRequest } from './messages.ts';
import { SegmentWriter } from './segment-writer.ts';

/** Bounds of one write: it must not keep the first record waiting long. */
const GROUP_BYTES = 16 * 1024 * 1024;
const GROUP_RECORDS = 256;

class WriterThread {
  private readonly port: MessagePort;
  private readonly options: WriterOptions;
  private readonly writer: SegmentWriter;
  private state: 'open' | 'failed' = 'open';

  constructor(port: MessagePort, options: WriterOptions) {
    this.port = port;
    this.options = options;
    this.writer = new SegmentWriter(options);
  }

  start(): void {
    try {
      this.report({ type: 'opened', ...this.writer.open() });
    } catch (error) {
      const code = error instanceof StoreError ? 'log-corrupt' : 'log-failed';
      this.report({ type: 'refused', code, message: (error as Error).message });
      return;
    }
    this.port.on('message', (request: WriterRequest) => this.serve(request));
  }

  private serve(request: WriterRequest): void {
    let next: WriterRequest | null = request;
    while (next !== null) next = next.type === 'append' ? this.append(next.payload) : this.control(next);
  }

  /** Returns the request that ended the group, if it was not an append. */
  private append(first: Uint8Array<ArrayBuffer>): WriterRequest | null {
    const group = [first];
    let bytes = first.length;
    let next: WriterRequest | null = null;
    while (next === null && bytes < GROUP_BYTES && group.length < GROUP_RECORDS) {
      const queued = receiveMessageOnPort(this.port) as { message: WriterRequest } | undefined;
      if (!queued) break;
      if (queued.message.type === 'append') {
        group.push(queued.message.payload);
        bytes += queued.message.payload.length;
      } else next = queued.message;
    }
    if (this.state === 'open') this.attempt(() => this.commit(group));
    return next;
  }

  private control(request: Exclude<WriterRequest, { type: 'append' }>): null {
    if (request.type === 'close') this.close();
    else if (this.state === 'open') this.attempt(() => this.roll(1));
    return null;
  }

  private commit(group: readonly Uint8Array<ArrayBuffer>[]): void {
    this.roll(this.options.segmentBytes);
    const start = performance.now();
    const records = this.writer
      .commit(group)
      .map((record) => ({ ...record, payload: compact(record.payload) }));
    const syncMilliseconds = performance.now() - start;
    this.report(
      { type: 'committed', records, syncMilliseconds },
      records.map(({ payload }) => payload.buffer as ArrayBuffer),
    );
  }

  private roll(bytes: number): void {
    const base = this.writer.rollAt(bytes);
    if (base !== null) this.report({ type: 'rolled', base });
  }

  private attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.state = 'failed';
      this.report({ type: 'failed', message: (error as Error).message });
    }
  }

  private close(): void {
    this.attempt(() => this.writer.close());
    this.port.close();
  }

  private report(report: WriterReport, transfer: ArrayBuffer[] = []): void {
    this.port.postMessage(report, transfer);
  }
}

/** A batch's memory is mostly larger than what is in it: readers shall hold what the ring of records counts. */
function compact(payload: Uint8Array): Uint8Array {
  return payload.length * 2 < payload.buffer.byteLength ? payload.slice() : payload;
}

if (!parentPort) throw new Error('log/writer.ts is the entry of a worker thread');
new WriterThread(parentPort, workerData as WriterOptions).start();
