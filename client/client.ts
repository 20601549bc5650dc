/**
 * The device client: connects its parts and is what a program calls. `telemetry.ts` sends readings and events until they
 * are durable, `reconnector.ts` keeps the connection, `command-executor.ts` executes commands, `desired-applier.ts`
 * applies desired values, `unconfirmed.ts` repeats what was said of both until it has arrived. Owns the order of start and
 * stop, and the journal of seen commands.
 */
import type { Clock } from '../broker/base/clock.ts';
import type { SampleValues } from '../broker/wire/encode.ts';
import {
  type BrokerFrame,
  type ErrorFrame,
  FRAME,
  type Value,
  type ValueMap,
  type WelcomeFrame,
} from '../broker/wire/frames.ts';
import { MOST_SLEEP_SECONDS } from '../schemas/frames.ts';
import { CommandExecutor, resultName } from './command-executor.ts';
import type { BrokerConnection } from './connection.ts';
import { DesiredApplier, type DesiredHandler, REPORT } from './desired-applier.ts';
import { type CommandHandler, type CommandHandlerOptions, registration } from './device-command.ts';
import { type DeviceClientEvents, Emitter, type Notify } from './events.ts';
import { type BatchSamples, type FrameDraft, FrameWriter, type Timed } from './frame-draft.ts';
import { authorization, type DeviceClientOptions, deviceAddress, helloFrame } from './options.ts';
import { type ClientState, Reconnector, type ReconnectorOwner } from './reconnector.ts';
import { type OpenSeen, openSeen } from './seen-file.ts';
import { systemClock } from './system-clock.ts';
import { Telemetry } from './telemetry.ts';
import { Unconfirmed } from './unconfirmed.ts';

export interface StopOptions {
  /** ms */
  readonly drain?: number;
  /** Seconds until it will be back; true: it does not know. */
  readonly sleep?: number | boolean;
}

const STOPPED = 'The client was stopped.';

export class DeviceClient extends Emitter<DeviceClientEvents> {
  private readonly options: DeviceClientOptions;
  private readonly clock: Clock;
  private readonly writer: FrameWriter;
  private readonly reconnector: Reconnector;
  private readonly telemetry: Telemetry;
  private readonly unconfirmed: Unconfirmed;
  private readonly commands: CommandExecutor;
  private readonly desired: DesiredApplier;
  private seen: OpenSeen | null = null;
  private stopping: Promise<void> | null = null;

  /** Throws TypeError for a URL, device id or key that cannot be right, FrameError for what no hello can say. */
  constructor(options: DeviceClientOptions) {
    super();
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.writer = new FrameWriter(options.fields);
    helloFrame(options);
    const { clock } = this;
    const notify: Notify = (name, payload) => this.emit(name, payload);
    const telemetry = new Telemetry(options, clock, notify);
    const onGivenUp = (what: string) => notify('fault', new Error(what));
    const unconfirmed = new Unconfirmed({ position: () => telemetry.position, clock, onGivenUp });
    const concurrency = options.commands?.concurrency ?? 1;
    this.telemetry = telemetry;
    this.unconfirmed = unconfirmed;
    this.commands = new CommandExecutor({ unconfirmed, clock, notify, concurrency });
    this.desired = new DesiredApplier({ unconfirmed, notify });
    this.reconnector = makeReconnector(options, clock, this.reconnectorOwner());
  }

  get state(): ClientState {
    return this.reconnector.state;
  }

  /** Frames that are not known to be durable, and what they and their keeping take. */
  get held(): { readonly frames: number; readonly bytes: number } {
    return this.telemetry.held;
  }

  /** Connects, and goes on connecting until `stop`. Throws if a file cannot be used. Idempotent. */
  start(): void {
    if (this.stopping) throw new Error('This client was stopped; make a new one.');
    if (this.seen) return;
    const seen = openSeen(this.options, this.clock, (error) => this.emit('fault', error));
    this.telemetry.open();
    this.seen = seen;
    this.commands.start(seen.commands);
    this.reconnector.start();
  }

  /**
   * Ends the connection. With `drain` (ms) it first waits that long for what is held to become durable and for commands to
   * end; what is not durable stays in the outbox file, if there is one. Commands that wait for a handler are answered as
   * failed. With `sleep` operators see that the device sleeps, for so many seconds if that is a number, and is not lost
   * (P-7.5). Idempotent; called again without `drain` it cuts the waiting short.
   */
  stop({ drain = 0, sleep = false }: StopOptions = {}): Promise<void> {
    const reason = closeReason(sleep);
    if (this.stopping && drain === 0) this.waitNoLonger();
    this.stopping ??= this.halt(drain, reason);
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
  durable(seq?: number): Promise<void> {
    return this.telemetry.durable(seq);
  }

  /**
   * Who executes commands of this name (P-5). To be called before `start`, for what waits comes at once. Returns the
   * function that takes the handler away. Throws TypeError for what is no name, Error if the name has a handler.
   */
  onCommand(name: string, handler: CommandHandler, options: CommandHandlerOptions = {}): () => void {
    return this.commands.handle(name, registration(handler, options));
  }

  /** Who answers commands that have no handler, in place of the default, which rejects them. */
  onUnknownCommand(handler: CommandHandler, options: CommandHandlerOptions = {}): () => void {
    return this.commands.handleOthers(registration(handler, options));
  }

  /** Who applies desired values (P-6). Returns the function that takes the handler away. */
  onDesired(handler: DesiredHandler): () => void {
    return this.desired.handle(handler);
  }

  /** Reports what the device has applied, for those who do without `onDesired`. Throws FrameError. */
  report(version: number, values: ValueMap): void {
    this.desired.report(version, values);
  }

  private enqueue(write: (seq: number, now: number) => FrameDraft): number {
    if (this.stopping) throw new Error(STOPPED);
    return this.telemetry.enqueue(write);
  }

  /** The least names the boot, without which nothing can be resumed, the order of values, and what can be received. */
  private hello(extent: 'whole' | 'least'): Uint8Array {
    const { boot = this.options.boot } = this.telemetry;
    const { fields, maxFrame } = this.options;
    const least = { ...(fields && { fields }), ...(maxFrame !== undefined && { maxFrame }) };
    return helloFrame({
      ...(extent === 'whole' ? this.options : least),
      ...(boot !== undefined && { boot }),
    });
  }

  private reconnectorOwner(): ReconnectorOwner {
    return {
      hello: (extent) => this.hello(extent),
      greetedLess: ({ code, message }) =>
        this.emit(
          'fault',
          new Error(
            `The broker refused the hello and took only boot, fields and maxFrame: ${code}: ${message}`,
          ),
        ),
      welcomed: (welcome) => this.welcomed(welcome),
      live: (connection, welcome, durable) => this.live(connection, welcome, durable),
      receive: (frame) => this.receive(frame),
      disconnected: (code, reason, retryIn) => this.disconnected(code, reason, retryIn),
      refused: (status, problem, retryIn) => this.emit('refused', { status, problem, retryIn }),
      keyEnded: () => this.ended('key-ended', 'The key has ended.'),
    };
  }

  private welcomed({ session, time, keepalive, limits }: WelcomeFrame): void {
    this.telemetry.learn(time);
    this.emit('connected', { session, keepalive, limits });
  }

  /** Results go before readings, so that the ack of a new reading covers them. */
  private live(connection: BrokerConnection, { limits }: WelcomeFrame, durable: number): void {
    this.unconfirmed.acknowledged(this.telemetry.greeted(durable));
    this.unconfirmed.live(connection);
    this.telemetry.live(connection, limits.window, durable);
  }

  private receive(frame: BrokerFrame): void {
    if (frame.kind === FRAME.ack) this.unconfirmed.acknowledged(this.telemetry.acknowledge(frame.seq));
    else if (frame.kind === FRAME.error) this.failed(frame);
    else if (frame.kind === FRAME.command) this.commands.receive(frame);
    else if (frame.kind === FRAME.desired) this.desired.receive(frame);
  }

  /** What the broker will never take must not be sent for ever. */
  private failed(frame: ErrorFrame): void {
    const { code, commandId } = frame;
    this.telemetry.failed(frame);
    if (commandId !== null) this.unconfirmed.refused(resultName(commandId));
    else if (code === 'unknown-version' || code === 'bad-reported') this.unconfirmed.refused(REPORT);
  }

  private disconnected(code: number, reason: string, retryIn: number | null): void {
    this.telemetry.disconnected();
    this.unconfirmed.disconnected();
    this.emit('disconnected', { code, reason, retryIn });
  }

  private async halt(drain: number, reason: string): Promise<void> {
    const drained = () => Promise.all([this.telemetry.drained(), this.commands.drained()]);
    if (drain > 0) await atMost(this.clock, drain, drained());
    const wasEnded = this.state === 'ended';
    this.commands.stop();
    this.desired.stop();
    await this.reconnector.stop(reason);
    this.telemetry.close();
    this.seen?.journal?.close();
    if (!wasEnded) this.ended('stopped', STOPPED);
  }

  private waitNoLonger(): void {
    this.telemetry.end(STOPPED);
    this.commands.stop();
  }

  private ended(reason: 'stopped' | 'key-ended', why: string): void {
    this.telemetry.end(why);
    this.emit('ended', { reason });
  }
}

/** P-7.5. Throws TypeError for what cannot be a number of seconds. */
function closeReason(sleep: number | boolean): string {
  if (typeof sleep === 'boolean') return sleep ? 'sleep' : 'stopped';
  if (sleep >= 0 && sleep <= MOST_SLEEP_SECONDS) return `sleep ${Math.ceil(sleep)}`;
  throw new TypeError(`sleep is 0 to ${MOST_SLEEP_SECONDS} seconds (P-7.5).`);
}

function makeReconnector(options: DeviceClientOptions, clock: Clock, owner: ReconnectorOwner): Reconnector {
  const { url, device, key, webSocket, random = Math.random } = options;
  const address = deviceAddress(url, device);
  return new Reconnector({ address, headers: authorization(key), webSocket, clock, random }, owner);
}

/** Resolves when `work` does, or after `milliseconds`. `work` must not reject. */
async function atMost(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<void> {
  let stopWaiting: () => void = () => {};
  const timeUp = new Promise<void>((resolve) => {
    stopWaiting = resolve;
  });
  const timer = clock.after(milliseconds, stopWaiting);
  await Promise.race([work, timeUp]);
  timer.cancel();
}
