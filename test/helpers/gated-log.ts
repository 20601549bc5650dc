/** A log in memory whose commits a test holds back, lets through one by one, or fails. */
import type { Ingest } from '../../broker/hub/telemetry/ingest.ts';
import { MemoryLog } from '../../broker/store/memory/log.ts';
import { type Commit, StoreError } from '../../broker/store/ports.ts';
import { START } from '../../broker/store/position.ts';

interface Held {
  go(): void;
  fail(error: StoreError): void;
}

export class GatedLog extends MemoryLog {
  /** Payloads as they were appended, committed or not. */
  readonly appended: Uint8Array[] = [];
  /** Appends that wait; null: none has to. */
  private held: Held[] | null = null;

  constructor() {
    super(1024 * 1024 * 1024);
    void this.start();
  }

  override async append(...payloads: readonly Uint8Array<ArrayBuffer>[]): Promise<Commit> {
    this.appended.push(...payloads.map((payload) => payload.slice()));
    const { held } = this;
    if (held) await new Promise<void>((go, fail) => held.push({ go, fail }));
    return super.append(...payloads);
  }

  /** From now on appends wait. */
  holdBack(): void {
    this.held ??= [];
  }

  /** The oldest one that waits is committed. */
  async commit(): Promise<void> {
    this.held?.shift()?.go();
    await nextTurn();
  }

  async fail(): Promise<void> {
    this.held?.shift()?.fail(new StoreError('log-failed', 'disk full'));
    await nextTurn();
  }

  /** All that wait are committed, and those that come from now on at once. */
  release(): void {
    for (const { go } of this.held ?? []) go();
    this.held = null;
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** As after a start on a log that holds nothing beyond `position`. */
export function followFrom(ingest: Ingest, position = START): void {
  void ingest.follow(position, () => {
    throw new Error('the log holds records of an earlier life');
  });
}
