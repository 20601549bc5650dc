/**
 * Serves the writer thread: commits at once what was queued while the last sync was in flight, and hands the payloads
 * back. It waits while an obstacle lasts, such as a full disk (store/obstacles.ts); any other error is reported and ends
 * all writing (fail-stop). Owns the group that waits, and the requests that came after it.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { ThreadPort } from '../../base/worker-thread.ts';
import { beginsSources, namesEarlierSources } from '../batch.ts';
import { obstacleOf } from '../obstacles.ts';
import { type Obstacle, type StoredRecord, StoreError } from '../ports.ts';
import type { SegmentFiles } from './files.ts';
import type { Recovered } from './recovery.ts';
import { SegmentWriter, type WriterOptions } from './segment-writer.ts';

/** Bounds of one write: it must not keep the first record waiting long. */
const GROUP_BYTES = 16 * 1024 * 1024;
const GROUP_RECORDS = 256;
/** How often it is tried again; ms. */
const RETRY_MS = 1000;
/** A segment that cannot be followed by the next one goes on growing, up to so many times its size. */
const OVERSIZE = 4;

type WriterClock = Pick<Clock, 'after' | 'monotonic'>;

type Group = readonly Uint8Array<ArrayBuffer>[];

/** Answers come in the order of the requests. */
export type WriterRequest =
  /** At least one; the payloads' buffers are transferred. */
  | { readonly type: 'append'; readonly payloads: readonly Uint8Array<ArrayBuffer>[] }
  /** Close the current segment, whatever its size, unless it is empty. */
  | { readonly type: 'roll' }
  /** Close the file and let the thread end. */
  | { readonly type: 'close' };

export type WriterReport =
  | ({ readonly type: 'opened' } & Recovered)
  /** The log cannot be opened; the thread ends. */
  | { readonly type: 'refused'; readonly code: 'log-corrupt' | 'log-failed'; readonly message: string }
  /** A new segment was begun; what follows is in it. */
  | { readonly type: 'rolled'; readonly base: number }
  /** One write and one sync: the records, in order, with their payloads handed back. */
  | {
      readonly type: 'committed';
      readonly records: readonly StoredRecord[];
      readonly syncMilliseconds: number;
    }
  /** What is being written waits for this to pass, and what comes after it too. */
  | { readonly type: 'waiting'; readonly obstacle: Obstacle; readonly message: string }
  /** The obstacle has passed. */
  | { readonly type: 'going-on' }
  /** Nothing is written any more. */
  | { readonly type: 'failed'; readonly message: string };

export class WriterThread {
  private readonly port: ThreadPort<WriterRequest, WriterReport>;
  private readonly options: WriterOptions;
  private readonly clock: WriterClock;
  private readonly writer: SegmentWriter;
  private state: 'open' | 'waiting' | 'failed' = 'open';
  private readonly later: WriterRequest[] = [];
  private timer: Timer | null = null;

  constructor(
    port: ThreadPort<WriterRequest, WriterReport>,
    options: WriterOptions,
    parts: { readonly clock: WriterClock; readonly files?: SegmentFiles },
  ) {
    this.port = port;
    this.options = options;
    this.clock = parts.clock;
    this.writer = new SegmentWriter(options, parts.files);
  }

  start(): void {
    try {
      this.report({ type: 'opened', ...this.writer.open() });
    } catch (error) {
      const code = error instanceof StoreError ? 'log-corrupt' : 'log-failed';
      this.report({ type: 'refused', code, message: (error as Error).message });
      return;
    }
    this.port.receive((request) => this.accept(request));
  }

  private accept(request: WriterRequest): void {
    if (this.state === 'waiting' && request.type !== 'close') this.later.push(request);
    else this.serve(request);
  }

  private serve(request: WriterRequest): void {
    let next: WriterRequest | null = request;
    while (next !== null) next = next.type === 'append' ? this.append(next.payloads) : this.control(next);
  }

  /** Returns the request that ended the group, if it was not an append. */
  private append(first: Group): WriterRequest | null {
    const group = [...first];
    let bytes = sizeOf(first);
    let next: WriterRequest | null = null;
    while (next === null && bytes < GROUP_BYTES && group.length < GROUP_RECORDS) {
      const queued = this.nextQueued();
      if (!queued) break;
      // Before records whose sources are numbered anew a segment may end, so they begin a write.
      if (queued.type === 'append' && !beginsSources(queued.payloads[0] as Uint8Array)) {
        group.push(...queued.payloads);
        bytes += sizeOf(queued.payloads);
      } else next = queued;
    }
    if (this.state === 'open') this.attempt(() => this.commit(group), group);
    return next;
  }

  private nextQueued(): WriterRequest | null {
    const waited = this.later.shift();
    if (waited) return waited;
    return this.port.queued();
  }

  private control(request: Exclude<WriterRequest, { type: 'append' }>): null {
    if (request.type === 'close') this.close();
    // Asked for again within the minute; a segment that is a little older does no harm.
    else if (this.state === 'open') this.attempt(() => this.roll(1), null);
    return null;
  }

  private commit(group: Group): void {
    if (!namesEarlierSources(group[0] as Uint8Array)) this.roll(this.options.segmentBytes);
    const start = this.clock.monotonic();
    const records = this.writer
      .commit(group)
      .map((record) => ({ ...record, payload: compact(record.payload) }));
    const syncMilliseconds = this.clock.monotonic() - start;
    this.goOn();
    this.report(
      { type: 'committed', records, syncMilliseconds },
      records.map(({ payload }) => payload.buffer as ArrayBuffer),
    );
  }

  private roll(bytes: number): void {
    try {
      const base = this.writer.rollAt(bytes);
      if (base !== null) this.report({ type: 'rolled', base });
    } catch (error) {
      if (!obstacleOf(error) || this.writer.segmentBytes > OVERSIZE * this.options.segmentBytes) throw error;
    }
  }

  private attempt(run: () => void, group: Group | null): void {
    try {
      run();
    } catch (error) {
      const obstacle = obstacleOf(error);
      const { message } = error as Error;
      if (!obstacle) {
        this.state = 'failed';
        this.report({ type: 'failed', message });
      } else if (group) {
        if (this.state === 'open') this.report({ type: 'waiting', obstacle, message });
        this.state = 'waiting';
        this.timer = this.clock.after(RETRY_MS, () => this.retry(group));
      }
    }
  }

  private retry(group: Group): void {
    this.attempt(() => this.commit(group), group);
    while (this.state === 'open') {
      const next = this.later.shift();
      if (!next) return;
      this.serve(next);
    }
  }

  private goOn(): void {
    if (this.state !== 'waiting') return;
    this.state = 'open';
    this.report({ type: 'going-on' });
  }

  /** What waits is given up: it was acknowledged to nobody. */
  private close(): void {
    this.timer?.cancel();
    this.attempt(() => this.writer.close(), null);
    this.port.close();
  }

  private report(report: WriterReport, transfer: ArrayBuffer[] = []): void {
    this.port.send(report, transfer);
  }
}

function sizeOf(payloads: Group): number {
  return payloads.reduce((sum, { length }) => sum + length, 0);
}

/** A batch's memory is mostly larger than what is in it: readers shall hold what is counted of recent records. */
function compact(payload: Uint8Array): Uint8Array {
  return payload.length * 2 < payload.buffer.byteLength ? payload.slice() : payload;
}
