/**
 * A device of Signalbox: hands in readings and events, keeps them until the broker says that they are durable, and keeps
 * itself connected meanwhile. Owns the sequence of its boot; the parts own the rest (`outbox.ts`, `link.ts`, `sender.ts`).
 */
import type { SampleValues } from '../broker/wire/encode.ts';
import type { Clock } from '../broker/wire/environment.ts';
import {
  type BrokerFrame,
  type ErrorFrame,
  FRAME,
  type Value,
  type WelcomeFrame,
} from '../broker/wire/frames.ts';
import type { Problem } from '../schemas/problems.ts';
import { authorization, deviceAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { Durability } from './durability.ts';
import { type DeviceClientEvents, type DropReason, Emitter } from './events.ts';
import { type BatchSamples, type Draft, dateDraft, FrameWriter, type Timed } from './frame-draft.ts';
import { helloFrame } from './hello.ts';
import { type ClientState, Link, type LinkOwner } from './link.ts';
import { type DeviceClientOptions, type OpenOutbox, openOutbox } from './options.ts';
import { Sender } from './sender.ts';
import { systemClock } from './system-clock.ts';
import { TimeCorrection } from './time-correction.ts';

/** Error codes that are advice: the frame was taken (P-4.5). */
const ADVICE: ReadonlySet<string> = new Set(['clock-unset', 'clock-ahead']);

const STOPPED = 'The client was stopped.';

export class DeviceClient extends Emitter<DeviceClientEvents> {
  private readonly options: DeviceClientOptions;
  private readonly clock: Clock;
  private readonly writer: FrameWriter;
  private readonly link: Link;
  private readonly correction = new TimeCorrection();
  private readonly durability = new Durability();
  private opened: OpenOutbox | null = null;
  private sender: Sender | null = null;
  private seq = 0;
  private stopping: Promise<void> | null = null;

  /** Throws TypeError for a URL, device id or key that cannot be right, FrameError for what no hello can say. */
  constructor(options: DeviceClientOptions) {
    super();
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.writer = new FrameWriter(options.fields);
    helloFrame(options);
    const address = deviceAddress(options.url, options.device);
    const {
      clock,
      options: { webSocket, random = Math.random, key },
    } = this;
    this.link = new Link(
      { address, headers: authorization(key), webSocket, clock, random },
      this.linkOwner(),
    );
  }

  get state(): ClientState {
    return this.link.state;
  }

  /** Frames that are not known to be durable, and what they and their keeping take. */
  get held(): { readonly frames: number; readonly bytes: number } {
    const outbox = this.opened?.outbox;
    return { frames: outbox?.count ?? 0, bytes: outbox?.bytes ?? 0 };
  }

  /** Connects, and goes on connecting until `stop`. Throws if the outbox file cannot be used. Idempotent. */
  start(): void {
    if (this.stopping) throw new Error('This client was stopped; make a new one.');
    if (this.opened) return;
    const opened = openOutbox(this.options, this.clock, (error) => this.emit('fault', error));
    this.opened = opened;
    this.seq = opened.seq;
    this.gaveUp(opened.lost, 'fields-changed', 'It is too big with names instead of positions.');
    this.link.start();
  }

  /**
   * Ends the connection. With `drain` (ms) it first waits that long for what is held to become durable; what is not
   * stays in the outbox file, if there is one. Idempotent; called again without `drain` it cuts the waiting short.
   */
  stop({ drain = 0 }: { readonly drain?: number } = {}): Promise<void> {
    if (this.stopping && drain === 0) this.durability.end(STOPPED);
    this.stopping ??= this.halt(drain);
    return this.stopping;
  }

  /**
   * Hands in one measurement: by name, or in the order of `fields`. Returns its seq. Throws FrameError for values that
   * the broker would refuse, OutboxFull by policy, and what the file system says if the outbox file cannot take it.
   */
  send(values: SampleValues, timed: Timed = {}): number {
    return this.enqueue((seq, now) => this.writer.telemetry(seq, now, values, timed));
  }

  /** Hands in several: `[dt, values]` with dt in ms after the batch's time. Without one, the last sample is of now. */
  sendBatch(samples: BatchSamples, timed: Timed = {}): number {
    return this.enqueue((seq, now) => this.writer.batch(seq, now, samples, timed));
  }

  /** `severity`: syslog's 0 (emergency) to 7 (debug) (P-2.5). */
  sendEvent(severity: number, name: string, data?: Value, timed: Timed = {}): number {
    return this.enqueue((seq, now) => this.writer.event(seq, now, severity, name, data, timed));
  }

  /**
   * Resolves when the frame (default: the last one handed in) is durable; rejects with NotDurable if it is given up. To
   * be asked right after handing it in: what became of a frame is not remembered.
   */
  durable(seq = this.seq): Promise<void> {
    return this.durability.wait(seq);
  }

  private enqueue(write: (seq: number, now: number) => Draft): number {
    const { opened } = this;
    if (!opened || this.stopping) throw new Error(`The client was ${opened ? 'stopped' : 'not started'}.`);
    const draft = write(this.seq + 1, this.clock.now());
    this.date(draft);
    const dropped = opened.outbox.add(draft);
    this.seq = draft.seq;
    this.gaveUp(
      dropped.map(({ seq }) => seq),
      'outbox-full',
      'It had to make room in the outbox.',
    );
    this.sender?.pump();
    return draft.seq;
  }

  private date(draft: Draft): void {
    if (draft.measuredAt !== null) dateDraft(draft, this.correction.apply(draft.measuredAt));
  }

  private linkOwner(): LinkOwner {
    return {
      hello: () => helloFrame({ ...this.options, ...(this.opened && { boot: this.opened.boot }) }),
      welcomed: (welcome) => this.welcomed(welcome),
      live: (connection, welcome, durable) => this.live(connection, welcome, durable),
      receive: (frame) => this.receive(frame),
      disconnected: (code, reason, retryIn) => this.disconnected(code, reason, retryIn),
      refused: (status, problem, retryIn) => this.refused(status, problem, retryIn),
      keyEnded: () => this.ended('key-ended', 'The key has ended.'),
    };
  }

  private welcomed({ session, time, keepalive, limits }: WelcomeFrame): void {
    this.correction.learn(time, this.clock.now());
    this.emit('connected', { session, keepalive, limits });
  }

  /** P-3.2: what has arrived is dropped, the rest is sent, in order. */
  private live(connection: Connection, { limits }: WelcomeFrame, durable: number): void {
    const { opened } = this;
    if (!opened) return;
    // P-4.3: the broker would take new frames for old ones, and drop them.
    if (durable > Math.max(opened.seq, opened.outbox.lastWritten))
      this.emit('fault', bootUsedBefore(durable));
    this.acknowledged(durable);
    const resent = opened.outbox.rewind();
    const prepare = (draft: Draft) => this.date(draft);
    this.sender = new Sender(opened.outbox, connection, { window: limits.window, prepare });
    this.emit('resumed', { durable, held: opened.outbox.count, resent });
    this.sender.pump();
  }

  private receive(frame: BrokerFrame): void {
    if (frame.kind === FRAME.ack) this.acknowledged(frame.seq);
    else if (frame.kind === FRAME.error) this.failed(frame);
    else if (frame.kind === FRAME.command) this.emit('command', frame);
    else if (frame.kind === FRAME.desired) this.emit('desired', frame);
  }

  private acknowledged(seq: number): void {
    const frames = this.opened?.outbox.acknowledge(seq) ?? [];
    const last = frames.at(-1);
    if (!last) return;
    this.durability.reached(last.seq);
    this.emit('acknowledged', { seq: last.seq, frames });
    this.sender?.pump();
  }

  /** A frame that the broker will never take must not be sent for ever. */
  private failed(frame: ErrorFrame): void {
    const isRefused = frame.seq !== null && !ADVICE.has(frame.code);
    const removed = isRefused ? this.opened?.outbox.remove(frame.seq) : null;
    this.emit('error', frame);
    if (removed) this.gaveUp([removed.seq], 'rejected', `${frame.code}: ${frame.message}`);
    this.sender?.pump();
  }

  private gaveUp(seqs: readonly number[], reason: DropReason, detail: string): void {
    if (seqs.length === 0) return;
    this.durability.lost(seqs, detail);
    this.emit('dropped', { seqs, reason, detail });
  }

  private disconnected(code: number, reason: string, retryIn: number | null): void {
    this.sender?.stop();
    this.sender = null;
    this.emit('disconnected', { code, reason, retryIn });
  }

  private refused(status: number, problem: Problem | null, retryIn: number): void {
    this.emit('refused', { status, problem, retryIn });
  }

  private async halt(drain: number): Promise<void> {
    if (drain > 0 && this.held.frames > 0) await this.drained(drain);
    const wasEnded = this.state === 'ended';
    await this.link.stop();
    this.opened?.journal?.close();
    if (!wasEnded) this.ended('stopped', STOPPED);
  }

  /** Never rejects. A frame that is given up meanwhile is not waited for, those before it are. */
  private drained(within: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.after(within, resolve);
      const waitForLast = () => {
        const last = this.opened?.outbox.last;
        if (last !== undefined && !this.durability.isOver) {
          this.durable(last).then(waitForLast, waitForLast);
          return;
        }
        timer.cancel();
        resolve();
      };
      waitForLast();
    });
  }

  private ended(reason: 'stopped' | 'key-ended', why: string): void {
    this.durability.end(why);
    this.emit('ended', { reason });
  }
}

function bootUsedBefore(durable: number): Error {
  return new Error(
    `The broker holds frame ${durable} of this boot, which this run did not send: leave \`boot\` out, or keep the outbox in a file.`,
  );
}
