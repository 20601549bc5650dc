/**
 * Keeps a device connected: connect, greet, live, and after an end wait and connect again (P-3, P-7.3, P-7.4). Owns the
 * state of the client and the connection at hand.
 */
import { Backoff } from '../broker/base/backoff.ts';
import type { Clock, Random, Timer } from '../broker/base/clock.ts';
import { type BrokerFrame, type ErrorFrame, FRAME, type WelcomeFrame } from '../broker/wire/frames.ts';
import type { Problem } from '../schemas/problems.ts';
import { BrokerConnection, type ConnectionEnd, type ConnectionOwner } from './connection.ts';
import type { WebSocketOptions } from './options.ts';
import { RECONNECT, retryAfterClose, retryAfterRefusal } from './retry.ts';

/** `waiting`: for the next try. `ended`: there will be none. */
export type ClientState = 'idle' | 'connecting' | 'greeting' | 'live' | 'waiting' | 'ended';

/** A connection that held this long was a good one: the next backoff begins anew; ms. */
const GOOD_AFTER = 10_000;

export interface ReconnectorOwner {
  /** The frame that follows the welcome; `least`: with nothing in it that the device can do without. */
  hello(extent: 'whole' | 'least'): Uint8Array;
  /** The broker refused the whole hello, and took the least one. */
  greetedLess(refusal: ErrorFrame): void;
  welcomed(welcome: WelcomeFrame): void;
  /** The broker holds this boot up to `durable`; frames may be sent from here on. */
  live(connection: BrokerConnection, welcome: WelcomeFrame, durable: number): void;
  receive(frame: BrokerFrame): void;
  /** Frames can no longer be sent. */
  disconnected(code: number, reason: string, retryIn: number | null): void;
  refused(status: number, problem: Problem | null, retryIn: number): void;
  /** P-7.3: not without a new key. */
  keyEnded(): void;
}

export interface ReconnectorOptions {
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly webSocket: WebSocketOptions | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

export class Reconnector implements ConnectionOwner {
  state: ClientState = 'idle';
  private readonly options: ReconnectorOptions;
  private readonly owner: ReconnectorOwner;
  private readonly backoff: Backoff;
  private connection: BrokerConnection | null = null;
  private welcome: WelcomeFrame | null = null;
  /** Of this connection's first hello; null: it was not refused. */
  private helloRefusal: ErrorFrame | null = null;
  /** Monotonic ms. */
  private liveSince: number | null = null;
  private timer: Timer | null = null;
  private stopped: (() => void) | null = null;

  constructor(options: ReconnectorOptions, owner: ReconnectorOwner) {
    this.options = options;
    this.owner = owner;
    this.backoff = new Backoff({ ...RECONNECT, random: options.random });
  }

  start(): void {
    if (this.state === 'idle') this.connect();
  }

  /** `reason`: for the broker (P-7.5). Resolves when the socket is gone. To be called once. */
  stop(reason: string): Promise<void> {
    this.state = 'ended';
    this.timer?.cancel();
    const { connection } = this;
    if (!connection) return Promise.resolve();
    return new Promise((resolve) => {
      this.stopped = resolve;
      connection.close(1000, reason);
    });
  }

  receive(frame: BrokerFrame): void {
    if (this.state === 'ended') return;
    if (this.state === 'connecting' && frame.kind === FRAME.welcome) this.greet(frame);
    else if (this.state === 'greeting' && frame.kind === FRAME.ack) this.resume(frame.seq);
    else if (this.state === 'greeting' && frame.kind === FRAME.error) this.helloRefused(frame);
    else this.owner.receive(frame);
  }

  ended(end: ConnectionEnd): void {
    if (this.liveSince !== null && this.options.clock.monotonic() - this.liveSince >= GOOD_AFTER)
      this.backoff.reset();
    this.connection = null;
    this.liveSince = null;
    if (this.state === 'ended') this.owner.disconnected(...closeOf(end), null);
    else this.tryAgain(end);
    this.stopped?.();
  }

  private connect(): void {
    this.state = 'connecting';
    this.connection = new BrokerConnection(this.options, this);
  }

  private greet(welcome: WelcomeFrame): void {
    this.state = 'greeting';
    this.welcome = welcome;
    this.helloRefusal = null;
    this.owner.welcomed(welcome);
    this.connection?.send(this.owner.hello('whole'));
  }

  /** P-3.2: there will be no ack. Nothing but a hello was sent, so the error is about it; once it is corrected. */
  private helloRefused(refusal: ErrorFrame): void {
    this.owner.receive(refusal);
    const isSecond = this.helloRefusal !== null;
    this.helloRefusal = refusal;
    if (isSecond) this.connection?.close(4400, `The hello was refused: ${refusal.code}.`);
    else this.connection?.send(this.owner.hello('least'));
  }

  private resume(durable: number): void {
    const { connection, welcome } = this;
    if (!connection || !welcome) return;
    this.state = 'live';
    this.liveSince = this.options.clock.monotonic();
    connection.watch(welcome.keepalive);
    if (this.helloRefusal) this.owner.greetedLess(this.helloRefusal);
    this.owner.live(connection, welcome, durable);
  }

  private tryAgain(end: ConnectionEnd): void {
    if (end.kind === 'refused') {
      const retryIn = retryAfterRefusal(end.status, end.retryAfter, this.backoff);
      this.wait(retryIn);
      this.owner.refused(end.status, end.problem, retryIn);
      return;
    }
    const retryIn = retryAfterClose(end.code, end.reason, this.backoff);
    if (retryIn === null) this.state = 'ended';
    else this.wait(retryIn);
    this.owner.disconnected(...closeOf(end), retryIn);
    if (retryIn === null) this.owner.keyEnded();
  }

  private wait(milliseconds: number): void {
    this.state = 'waiting';
    this.timer = this.options.clock.after(milliseconds, () => this.connect());
  }
}

function closeOf(end: ConnectionEnd): [code: number, reason: string] {
  if (end.kind === 'refused') return [1006, `The broker answered with HTTP ${end.status}.`];
  return [end.code, end.reason || (end.code === 1006 ? 'The connection was cut.' : '')];
}
