/**
 * Carries one device connection from its welcome to its end (P-3, P-7). Owns its state, the layout of its frames, how
 * far its boot has come and its budget of invalid frames; knows its socket only as a `Transport`. What each frame does
 * stands in `handlers.ts`. That it opened, is ready or ended goes into the log, and everybody hears of it from there.
 */
import { CLOSE_CODES, type CloseCode, ERROR_CODES, type ErrorCode } from '../../schemas/errors.ts';
import { MOST_SLEEP_SECONDS } from '../../schemas/frames.ts';
import { count } from '../hub/counters.ts';
import type { Device, Member, SequenceProgress, Sleep } from '../hub/fleet/device.ts';
import type { LiveSource } from '../hub/telemetry/ingest.ts';
import { type SessionEvent, SourceHandle } from '../store/batch.ts';
import { encodeError, encodeWelcome } from '../wire/encode.ts';
import { FrameError } from '../wire/frame-error.ts';
import type { Boot, HelloFrame } from '../wire/frames.ts';
import { FrameReader } from '../wire/reader.ts';
import { Acks } from './acks.ts';
import { handleFrame } from './handlers.ts';
import type { Intake } from './intake.ts';
import type { SessionParts, Transport } from './parts.ts';

const MINUTE = 60_000;

/** The budget of frames that break a schema (P-2.3). Owns the times of the recent ones. */
class InvalidFrames {
  private readonly limit: number;
  private times: number[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Counts one at `now`, monotonic ms; whether that was more than the limit within a minute. */
  exceeds(now: number): boolean {
    this.times = this.times.filter((time) => time > now - MINUTE);
    this.times.push(now);
    return this.times.length > this.limit;
  }
}

/** `sleep`, or `sleep 3600`; what follows the word and is no such number says no more than the word. */
const REASON = /^sleep(?: (\d+)$|$|\s)/;
/** Beyond the time that it named, as a share of it. */
const GRACE = 0.1;

/** `said`: the reason of its close with 1000. null: it does not go to sleep. */
export function sleepOf(said: string, now: number): Sleep | null {
  const match = REASON.exec(said);
  if (!match) return null;
  const [, seconds] = match;
  if (seconds === undefined) return { until: null, overdueAt: null };
  const length = Math.min(Number(seconds), MOST_SLEEP_SECONDS) * 1000;
  return { until: now + length, overdueAt: now + Math.round(length * (1 + GRACE)) };
}

/** How long a hello is waited for before commands are written (P-3.3); ms. */
const SILENT_GREETING = 2000;

export interface SessionIdentity {
  readonly session: string;
  readonly keyId: string;
  readonly device: Device;
}

export class DeviceSession implements LiveSource, Member {
  readonly session: string;
  readonly keyId: string;
  readonly device: Device;
  readonly parts: SessionParts;
  source: SourceHandle;
  /** Without a boot, sequences count within this connection only. */
  progress: SequenceProgress = { accepted: 0, durable: 0 };
  boot: Boot | null = null;
  /** As the hello says it; undefined: there was none. */
  maxFrame: number | null | undefined = undefined;
  heardAt: number;
  /** Of the frame at hand (P-2.2). */
  frameCost = 0;
  /** When the last sign of life came; monotonic ms. */
  silentSince: number;
  /** When the next ping is due; monotonic ms. */
  pingAt: number;
  /**
   * `greeting`: a hello may still come. `waited`: so it may, but commands are written by now (P-3.3). `introducing`:
   * the hello waits for its commit, and acknowledgements wait for its answer. `late`: the same of a hello that was waited for.
   */
  state: 'new' | 'greeting' | 'waited' | 'introducing' | 'late' | 'live' | 'ending' | 'ended' = 'new';
  /** Monotonic ms. */
  private readonly openedAt: number;
  private readonly transport: Transport;
  private readonly reader = new FrameReader();
  private readonly intake: Intake;
  private readonly acks: Acks;
  private readonly invalid: InvalidFrames;
  private advised: Set<ErrorCode> | null = null;
  private endedBy: string | null = null;

  constructor(identity: SessionIdentity, transport: Transport, parts: SessionParts) {
    const { clock, counters, config } = parts;
    this.session = identity.session;
    this.keyId = identity.keyId;
    this.device = identity.device;
    this.parts = parts;
    this.transport = transport;
    this.heardAt = clock.now();
    this.openedAt = clock.monotonic();
    this.silentSince = this.openedAt;
    this.pingAt = this.openedAt + config.devices.keepalive * 1000;
    this.source = this.makeSource(null);
    this.intake = parts.reads.join(this.device.customer, {
      inlet: transport,
      limits: config.limits,
      overflow: () => this.end(1013, 'Too many devices are in the middle of a large frame; come back later.'),
    });
    this.acks = new Acks(transport, clock, config.devices.ackWithin, () => {
      counters.acks += 1;
    });
    this.invalid = new InvalidFrames(config.limits.invalidFramesPerMinute);
  }

  /** The steps of a greeting, in order (P-1.6, P-3.1). Returns the session that it took over; null: none. */
  open(): string | null {
    const replaced = this.takeOver();
    this.record({ type: 'opened' });
    this.welcome();
    this.state = 'greeting';
    return replaced;
  }

  /** What the socket has read, framed as it came; kept until there is time for it. Returns whether to read on. */
  accept(chunk: Uint8Array): boolean {
    return this.intake.accept(chunk);
  }

  /** One binary message, out of what was taken. */
  receive(bytes: Uint8Array): void {
    this.heard();
    if (this.state === 'ending' || this.state === 'ended') return;
    this.frameCost = bytes.length;
    try {
      const frame = this.reader.read(bytes);
      this.frameCost = this.reader.cost;
      const { source } = this;
      const { table } = source;
      handleFrame(this, frame, bytes, this.heardAt);
      // The names of its fields are stored with its first frame, and again now and then.
      if (source.table !== table && source.source.fields) this.frameCost += source.encoded.length;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.refuse(error);
      return;
    }
    this.intake.charge(this.frameCost, bytes.length);
    this.goLive();
  }

  /** The broker holds back what this device sends, so that its silence says nothing (P-7.1). */
  get isHeldBack(): boolean {
    return this.intake.isHeld;
  }

  /** How long the device was held since this was last asked, ms (`Intake.takeHeldTime`). */
  takeHeldTime(now: number): number {
    return this.intake.takeHeldTime(now);
  }

  get ready(): boolean {
    return this.state === 'waited' || this.state === 'late' || this.state === 'live';
  }

  get bufferedBytes(): number {
    return this.transport.bufferedBytes;
  }

  write(frame: Uint8Array, written: () => void = () => {}): void {
    if (this.ready) this.transport.write(frame, written);
  }

  /** P-3.3, for a device that says nothing at all: looked after by the heartbeat's timer. `now`: monotonic ms. */
  wait(now: number): void {
    if (this.state !== 'greeting' || now - this.openedAt < SILENT_GREETING) return;
    this.state = 'waited';
    this.becomeReady();
  }

  /** P-2.1: a device speaks binary. */
  receiveText(): void {
    this.refuse(new FrameError('text-message'));
  }

  /** Notes a sign of life: a frame, a heartbeat or its answer (P-7.1). */
  heard(): void {
    const { clock } = this.parts;
    this.heardAt = clock.now();
    this.silentSince = clock.monotonic();
  }

  /** `now`: monotonic ms. */
  ping(now: number): void {
    this.pingAt = now + this.parts.config.devices.keepalive * 1000;
    this.transport.ping();
  }

  /** P-3.2: what this run of the device sends from now on, and how. */
  adopt(hello: HelloFrame): void {
    this.boot = hello.boot;
    this.maxFrame = hello.maxFrame;
    this.reader.fields = hello.fields;
    if (hello.boot !== null) this.progress = this.device.boots.accept(hello.boot);
    if (hello.ackWithin !== null) this.acks.within = hello.ackWithin;
    this.source = this.makeSource(hello.fields);
    if (this.state === 'greeting') this.state = 'introducing';
    else if (this.state === 'waited') this.state = 'late';
  }

  /**
   * P-3.2: answers the hello, not merged with other acks. Only now, so that whoever asks for the device after its
   * answer finds what it said of itself; then come its commands (P-3.3).
   */
  introduced(): void {
    if (this.state !== 'introducing' && !this.ready) return;
    this.acks.owe(this.progress.durable);
    this.acks.flush();
    const wasReady = this.ready;
    this.state = 'live';
    if (!wasReady) this.becomeReady();
  }

  durable(seq: number): void {
    if (this.state === 'greeting' || (this.ready && this.state !== 'late')) this.acks.owe(seq);
  }

  /** Sends what is owed at once. */
  flushAcks(): void {
    this.acks.flush();
  }

  /** Answers a frame with an error and says whether the connection goes on (P-2.3). */
  refuse(error: FrameError): void {
    this.sendError(error.code, error.message, error.seq, error.commandId);
    const { closes } = error;
    if (closes !== null) this.end(closes, error.message);
    else if (this.invalid.exceeds(this.parts.clock.monotonic())) this.end(4400);
  }

  isAdvised(code: ErrorCode): boolean {
    return this.advised?.has(code) ?? false;
  }

  /** Tells the device something that cost it nothing, once a session (P-4.5). */
  advise(code: ErrorCode, about: number | string | null): void {
    this.advised ??= new Set();
    if (this.advised.has(code)) return;
    this.advised.add(code);
    const { message } = ERROR_CODES[code];
    if (typeof about === 'string') this.sendError(code, message, null, about);
    else this.sendError(code, message, about);
  }

  end(code: CloseCode, detail?: string): void {
    if (this.state === 'ending' || this.state === 'ended') return;
    this.state = 'ending';
    this.acks.cancel();
    this.endedBy = CLOSE_CODES[code].name;
    this.transport.close(code, detail ?? CLOSE_CODES[code].message);
    this.intake.release();
  }

  /**
   * The socket is gone; to be called once. `how`: if the broker did not end it; `said`: the device's own, with its
   * close. Tells why it ended and how long it was.
   */
  closed(how: string, said = ''): { readonly reason: string; readonly seconds: number } {
    this.state = 'ended';
    this.intake.close();
    this.acks.cancel();
    const { fleet, clock, counters } = this.parts;
    const now = clock.now();
    const asleep = this.endedBy === null ? sleepOf(said, now) : null;
    const reason = asleep ? 'asleep' : (this.endedBy ?? how);
    count(counters.closes, reason);
    fleet.detach(this.device, this);
    this.record({ type: 'ended', reason, sleep: asleep }, now);
    return { reason, seconds: Math.round((clock.monotonic() - this.openedAt) / 1000) };
  }

  /**
   * After the first frame that was not refused, hello or not. A refused one is ignored (P-2.3), so the greeting goes on
   * and a hello may be sent again, corrected (P-3.2).
   */
  private goLive(): void {
    if (this.state !== 'greeting' && this.state !== 'waited') return;
    const wasReady = this.ready;
    this.state = 'live';
    if (!wasReady) this.becomeReady();
  }

  private becomeReady(): void {
    this.record({ type: 'ready' });
    this.parts.onReady(this.device, this);
  }

  /** Everybody hears of it when it is committed. */
  private record(event: SessionEvent, at = this.parts.clock.now()): void {
    this.parts.ingest.acceptSession(this, event, at);
  }

  private takeOver(): string | null {
    const { fleet, counters } = this.parts;
    const replaced = fleet.attach(this.device, this);
    if (!replaced) return null;
    counters.takeovers += 1;
    replaced.end(4001);
    return replaced.session;
  }

  private welcome(): void {
    const { config, clock, frameBytes } = this.parts;
    const { limits, devices } = config;
    this.transport.send(
      encodeWelcome({
        session: this.session,
        time: clock.now(),
        keepalive: devices.keepalive,
        limits: {
          frameBytes,
          framesPerSecond: limits.framesPerSecond || null,
          bytesPerSecond: limits.bytesPerSecond || null,
          window: limits.window,
        },
      }),
    );
  }

  private sendError(
    code: ErrorCode,
    message: string,
    seq: number | null,
    commandId: string | null = null,
  ): void {
    count(this.parts.counters.frameErrors, code);
    this.transport.send(encodeError(code, message, seq, commandId));
  }

  private makeSource(fields: readonly string[] | null): SourceHandle {
    const { device, session, boot } = this;
    return new SourceHandle({ customer: device.customer, device: device.id, session, boot, fields });
  }
}
