/**
 * The way of readings and events from the caller to the broker's disk (P-4): numbered, dated, kept in the outbox, sent over
 * the connection at hand, and let go when they are durable. Owns the sequence of the boot and the outbox.
 */
import type { Clock } from '../broker/base/clock.ts';
import type { ErrorFrame } from '../broker/wire/frames.ts';
import { Durability } from './durability.ts';
import type { DropReason, Tell } from './events.ts';
import { type Draft, dateDraft } from './frame-draft.ts';
import { type DeviceClientOptions, type OpenOutbox, openOutbox } from './options.ts';
import type { BootName } from './outbox-file.ts';
import { Sender, type Wire } from './sender.ts';
import { TimeCorrection } from './time-correction.ts';

/** Error codes that are advice: the frame was taken (P-4.5). */
const ADVICE: ReadonlySet<string> = new Set(['clock-unset', 'clock-ahead']);

export class Telemetry {
  private readonly options: DeviceClientOptions;
  private readonly clock: Clock;
  private readonly tell: Tell;
  private readonly correction = new TimeCorrection();
  private readonly durability = new Durability();
  private opened: OpenOutbox | null = null;
  private sender: Sender | null = null;
  private seq = 0;

  constructor(options: DeviceClientOptions, clock: Clock, tell: Tell) {
    this.options = options;
    this.clock = clock;
    this.tell = tell;
  }

  /** Throws if the outbox file cannot be used. */
  open(): void {
    const opened = openOutbox(this.options, this.clock, (error) => this.tell('fault', error));
    this.opened = opened;
    this.seq = opened.seq;
    this.gaveUp(opened.lost, 'fields-changed', 'It is too big with names instead of positions.');
  }

  close(): void {
    this.opened?.journal?.close();
  }

  get held(): { readonly frames: number; readonly bytes: number } {
    const outbox = this.opened?.outbox;
    return { frames: outbox?.count ?? 0, bytes: outbox?.bytes ?? 0 };
  }

  get boot(): BootName | undefined {
    return this.opened?.boot;
  }

  /** The highest seq that may have been sent up to now. */
  get position(): number {
    return Math.max(this.opened?.seq ?? 0, this.opened?.outbox.lastWritten ?? 0);
  }

  /** Throws what `write` or the outbox throws; then the frame is not taken. */
  enqueue(write: (seq: number, now: number) => Draft): number {
    const { opened } = this;
    if (!opened) throw new Error('The client was not started.');
    const draft = write(this.seq + 1, this.clock.now());
    this.date(draft);
    const dropped = opened.outbox.add(draft);
    this.seq = draft.seq;
    const seqs = dropped.map(({ seq }) => seq);
    this.gaveUp(seqs, 'outbox-full', 'It had to make room in the outbox.');
    this.sender?.pump();
    return draft.seq;
  }

  durable(seq = this.seq): Promise<void> {
    return this.durability.wait(seq);
  }

  /** P-3.1: what the broker's clock says. */
  learn(brokerTime: number): void {
    this.correction.learn(brokerTime, this.clock.now());
  }

  /** P-3.2: what has arrived is dropped, the rest is sent, in order. `durable`: as `greeted` has been told. */
  live(connection: Wire, window: number, durable: number): void {
    const { opened } = this;
    if (!opened) return;
    const resent = opened.outbox.rewind();
    this.sender = new Sender(opened.outbox, connection, { window, prepare: (draft) => this.date(draft) });
    this.tell('resumed', { durable, held: opened.outbox.count, resent });
    this.sender.pump();
  }

  disconnected(): void {
    this.sender?.stop();
    this.sender = null;
  }

  /** The first ack of a connection, for what earlier ones sent; as `acknowledge`. */
  greeted(durable: number): number {
    // P-4.3: the broker would take new frames for old ones, and drop them.
    if (durable > this.position) this.tell('fault', bootUsedBefore(durable));
    return this.acknowledge(durable);
  }

  /** Returns up to where frames that were really sent are durable. */
  acknowledge(seq: number): number {
    const { outbox } = this.opened ?? {};
    if (!outbox) return 0;
    const frames = outbox.acknowledge(seq);
    const last = frames.at(-1);
    if (last) {
      this.durability.reached(last.seq);
      this.tell('acknowledged', { seq: last.seq, frames });
      this.sender?.pump();
    }
    return Math.min(seq, outbox.lastWritten);
  }

  /** A frame that the broker will never take must not be sent for ever. */
  failed(frame: ErrorFrame): void {
    const isRefused = frame.seq !== null && !ADVICE.has(frame.code);
    const removed = isRefused ? this.opened?.outbox.remove(frame.seq) : null;
    this.tell('error', frame);
    if (removed) this.gaveUp([removed.seq], 'rejected', `${frame.code}: ${frame.message}`);
    this.sender?.pump();
  }

  /** Never rejects. A frame that is given up meanwhile is not waited for, those before it are. */
  async drained(): Promise<void> {
    for (;;) {
      const last = this.opened?.outbox.last;
      if (last === undefined || this.durability.isOver) return;
      await Promise.allSettled([this.durable(last)]);
    }
  }

  /** Nothing that waits for durability would ever be settled otherwise. */
  end(why: string): void {
    this.durability.end(why);
  }

  private date(draft: Draft): void {
    if (draft.measuredAt !== null) dateDraft(draft, this.correction.apply(draft.measuredAt));
  }

  private gaveUp(seqs: readonly number[], reason: DropReason, detail: string): void {
    if (seqs.length === 0) return;
    this.durability.lost(seqs, detail);
    this.tell('dropped', { seqs, reason, detail });
  }
}

function bootUsedBefore(durable: number): Error {
  return new Error(
    `The broker holds frame ${durable} of this boot, which this run did not send: leave \`boot\` out, or keep the outbox in a file.`,
  );
}
