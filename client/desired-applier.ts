/**
 * Applies desired values on the device and reports them (P-6): one document after the other, and of those that wait only
 * the newest. Owns the handler and the documents that it applies and will apply; `Unconfirmed` keeps the report.
 */
import { encodeReported } from '../broker/wire/encode.ts';
import type { DesiredFrame, ValueMap } from '../broker/wire/frames.ts';
import { FrameReader } from '../broker/wire/reader.ts';
import { reasonData } from './command-result.ts';
import type { Notify } from './events.ts';
import type { Unconfirmed } from './unconfirmed.ts';

/**
 * Applies the whole document and returns the values as they are now; nothing: as they were asked for. If it throws, nothing
 * is reported, `fault` says why, and the broker sends the document again after the next reconnect.
 */
// biome-ignore-start lint/suspicious/noConfusingVoidType: TypeScript 5 takes a handler without `return` for nothing else.
export type DesiredHandler = (
  values: ValueMap,
  version: number,
) => ValueMap | undefined | void | Promise<ValueMap | undefined | void>;
// biome-ignore-end lint/suspicious/noConfusingVoidType: see above

export interface DesiredApplierParts {
  readonly unconfirmed: Pick<Unconfirmed, 'put'>;
  readonly notify: Notify;
}

/** What the report is kept as. */
export const REPORT = 'reported values';

const reader = new FrameReader();

export class DesiredApplier {
  private readonly parts: DesiredApplierParts;
  private handler: DesiredHandler | null = null;
  private waiting: DesiredFrame | null = null;
  /** What is being applied, or was applied last. */
  private current: DesiredFrame | null = null;
  private reported: Uint8Array | null = null;
  private state: 'ready' | 'applying' | 'stopped' = 'ready';

  constructor(parts: DesiredApplierParts) {
    this.parts = parts;
  }

  /** In place of an earlier handler. Returns the function that takes it away again. */
  handle(handler: DesiredHandler): () => void {
    this.handler = handler;
    this.applyNext();
    return () => {
      if (this.handler === handler) this.handler = null;
    };
  }

  receive(frame: DesiredFrame): void {
    this.parts.notify('desired', frame);
    // Not by the version alone: a device that was forgotten and came back begins at 1 again.
    if (isSame(this.waiting ?? this.current, frame)) this.repeat();
    else {
      this.waiting = frame;
      this.applyNext();
    }
  }

  /** Throws FrameError for values that the broker would refuse. */
  report(version: number, values: ValueMap): void {
    const frame = encodeReported(version, values);
    reader.read(frame);
    this.reported = frame;
    this.send(frame);
  }

  /** Idempotent. */
  stop(): void {
    this.state = 'stopped';
  }

  /** It came again after a reconnect: the report did not arrive, or it is not ready yet. */
  private repeat(): void {
    if (this.state === 'ready' && !this.waiting && this.reported) this.send(this.reported);
  }

  private applyNext(): void {
    const { handler, waiting } = this;
    if (this.state !== 'ready' || !handler || !waiting) return;
    this.state = 'applying';
    this.waiting = null;
    this.current = waiting;
    void this.apply(handler, waiting);
  }

  private async apply(handler: DesiredHandler, frame: DesiredFrame): Promise<void> {
    const { version, values } = frame;
    try {
      const applied = (await handler(values, version)) ?? values;
      if (!this.isStopped) this.report(version, applied);
    } catch (error) {
      this.current = null;
      const why = `Desired version ${version} was not applied: ${reasonData(error).reason}`;
      this.parts.notify('fault', new Error(why, { cause: error }));
    }
    if (this.isStopped) return;
    this.state = 'ready';
    this.applyNext();
  }

  private get isStopped(): boolean {
    return this.state === 'stopped';
  }

  private send(frame: Uint8Array): void {
    const keeping = { keepFor: Number.POSITIVE_INFINITY, settled: () => {} };
    this.parts.unconfirmed.put(REPORT, frame, keeping);
  }
}

function isSame(one: DesiredFrame | null, other: DesiredFrame): boolean {
  if (one?.version !== other.version) return false;
  return Buffer.compare(encodeReported(1, one.values), encodeReported(1, other.values)) === 0;
}
