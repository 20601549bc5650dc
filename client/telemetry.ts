/**
 * Brings readings and events from the caller to the broker's disk (P-4): numbers and dates them, keeps them in the outbox,
 * sends them over the connection at hand, and lets go of them when they are durable. Owns the sequence of the boot, the
 * outbox, what the client's clock is off by (P-3.1), and the promises of durability (P-4.2), all of which are settled at
 * the end.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../broker/base/clock.ts';
import type { ErrorFrame } from '../broker/wire/frames.ts';
import type { FrameDropReason, Notify } from './events.ts';
import { dateDraft, type FrameDraft } from './frame-draft.ts';
import type { DeviceClientOptions } from './options.ts';
import { Outbox, Sender, type Wire } from './outbox.ts';
import { type BootName, OutboxJournal } from './outbox-file.ts';

/** Error codes that are advice: the frame was accepted (P-4.5). */
const ADVICE: ReadonlySet<string> = new Set(['clock-unset', 'clock-ahead']);

export class Telemetry {
  private readonly options: DeviceClientOptions;
  private readonly clock: Clock;
  private readonly notify: Notify;
  private readonly correction = new TimeCorrection();
  private readonly durability = new DurabilityPromises();
  private opened: OpenOutbox | null = null;
  private sender: Sender | null = null;
  private seq = 0;

  constructor(options: DeviceClientOptions, clock: Clock, notify: Notify) {
    this.options = options;
    this.clock = clock;
    this.notify = notify;
  }

  /** Throws if the outbox file cannot be used. */
  open(): void {
    const opened = openOutbox(this.options, this.clock, (error) => this.notify('fault', error));
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

  /** Throws what `write` or the outbox throws; then the frame is not kept. */
  enqueue(write: (seq: number, now: number) => FrameDraft): number {
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
    this.notify('resumed', { durable, held: opened.outbox.count, resent });
    this.sender.pump();
  }

  disconnected(): void {
    this.sender?.stop();
    this.sender = null;
  }

  /** The first ack of a connection, for what earlier ones sent; as `acknowledge`. */
  greeted(durable: number): number {
    // P-4.3: the broker would take new frames for old ones, and drop them.
    if (durable > this.position) this.notify('fault', bootUsedBefore(durable));
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
      this.notify('acknowledged', { seq: last.seq, frames });
      this.sender?.pump();
    }
    return Math.min(seq, outbox.lastWritten);
  }

  /** A frame that the broker will never take must not be sent for ever. */
  failed(frame: ErrorFrame): void {
    const isRefused = frame.seq !== null && !ADVICE.has(frame.code);
    const removed = isRefused ? this.opened?.outbox.remove(frame.seq) : null;
    this.notify('error', frame);
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

  private date(draft: FrameDraft): void {
    if (draft.measuredAt !== null) dateDraft(draft, this.correction.apply(draft.measuredAt));
  }

  private gaveUp(seqs: readonly number[], reason: FrameDropReason, detail: string): void {
    if (seqs.length === 0) return;
    this.durability.lost(seqs, detail);
    this.notify('dropped', { seqs, reason, detail });
  }
}

function bootUsedBefore(durable: number): Error {
  return new Error(
    `The broker holds frame ${durable} of this boot, which this run did not send: leave \`boot\` out, or keep the outbox in a file.`,
  );
}

interface OpenOutbox {
  readonly outbox: Outbox;
  readonly journal: OutboxJournal | null;
  readonly boot: BootName;
  /** Sequences start above this one. */
  readonly seq: number;
  /** Seqs of frames that could not be kept. */
  readonly lost: readonly number[];
}

const DEFAULT_BYTES = 8 * 1024 * 1024;

/** Throws if the file cannot be used. */
function openOutbox(
  { outbox = {}, boot, fields }: DeviceClientOptions,
  clock: Clock,
  onFault: (error: Error) => void,
): OpenOutbox {
  const limits = { bytes: outbox.bytes ?? DEFAULT_BYTES, whenFull: outbox.whenFull ?? 'refuse' };
  const newBoot = boot ?? new Uint8Array(randomBytes(16));
  if (outbox.file === undefined) {
    return { outbox: new Outbox(limits, null), journal: null, boot: newBoot, seq: 0, lost: [] };
  }
  const journal = new OutboxJournal({ path: outbox.file, boot: newBoot, fields, clock, onFault });
  const { restored, seq, lost } = journal;
  return { outbox: new Outbox(limits, journal, restored), journal, boot: journal.boot, seq, lost };
}

/** Up to here the difference may as well be the network's delay, and the own clock is kept; ms. */
const TOLERANCE = 1000;

class TimeCorrection {
  private offset = 0;

  learn(brokerTime: number, now: number): void {
    const difference = brokerTime - now;
    this.offset = Math.abs(difference) > TOLERANCE ? difference : 0;
  }

  /** Own clock → Unix ms as the broker counts them. */
  apply(time: number): number {
    return Math.round(time + this.offset);
  }
}

/** The frame is not known to be durable, and nobody will go on trying to make it so. */
export class NotDurable extends Error {
  override readonly name = 'NotDurable';
  readonly seq: number;

  constructor(seq: number, why: string) {
    super(`Frame ${seq} was not acknowledged: ${why}`);
    this.seq = seq;
  }
}

interface PendingFrame {
  readonly seq: number;
  resolve(): void;
  reject(error: NotDurable): void;
}

class DurabilityPromises {
  private waiters: PendingFrame[] = [];
  private acknowledged = 0;
  private ended: string | null = null;

  /** Nothing that waits would ever be settled otherwise. */
  get isOver(): boolean {
    return this.ended !== null;
  }

  wait(seq: number): Promise<void> {
    if (seq <= this.acknowledged) return Promise.resolve();
    if (this.ended !== null) return Promise.reject(new NotDurable(seq, this.ended));
    return new Promise((resolve, reject) => this.waiters.push({ seq, resolve, reject }));
  }

  reached(seq: number): void {
    this.acknowledged = Math.max(this.acknowledged, seq);
    for (const waiter of this.extract((held) => held <= seq)) waiter.resolve();
  }

  lost(seqs: readonly number[], why: string): void {
    const gone = new Set(seqs);
    for (const { seq, reject } of this.extract((held) => gone.has(held))) reject(new NotDurable(seq, why));
  }

  end(why: string): void {
    this.ended ??= why;
    for (const { seq, reject } of this.extract(() => true)) reject(new NotDurable(seq, why));
  }

  private extract(matches: (seq: number) => boolean): PendingFrame[] {
    const extracted = this.waiters.filter(({ seq }) => matches(seq));
    if (extracted.length > 0) this.waiters = this.waiters.filter(({ seq }) => !matches(seq));
    return extracted;
  }
}
