/**
 * One WebSocket connection from its handshake to its end, which it reports exactly once, also where an HTTP answer comes
 * instead of the upgrade (P-1.5). Owns the socket and the watch over it: a broker that does not greet in time, or is
 * silent for 2.5 keepalives, is given up (P-7.1).
 */
import type { IncomingMessage } from 'node:http';
import WebSocket, { type ClientOptions } from 'ws';
import type { Clock, Timer } from '../broker/base/clock.ts';
import { Lateness } from '../broker/base/lateness.ts';
import { parseBrokerFrame } from '../broker/wire/broker-frames.ts';
import { FrameError } from '../broker/wire/frame-error.ts';
import { type BrokerFrame, PROFILE } from '../broker/wire/frames.ts';
import type { Problem } from '../schemas/problems.ts';
import type { WebSocketOptions } from './options.ts';
import { parseRetryAfter } from './retry.ts';

export const SUBPROTOCOL = 'signalbox.v1';
/** From the start of the handshake to the end of the greeting; ms. */
export const GREET_WITHIN = 20_000;
/** How long a close may take before the socket is cut off; ms. */
export const CLOSE_WITHIN = 2000;
const SILENT_KEEPALIVES = 2.5;

export type ConnectionEnd =
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly problem: Problem | null;
      /** ms; null: the broker did not say. */
      readonly retryAfter: number | null;
    };

/** Who has the connection made, and hears of it. */
export interface ConnectionOwner {
  receive(frame: BrokerFrame): void;
  /** The last call. */
  ended(end: ConnectionEnd): void;
}

export interface BrokerConnectionOptions {
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Compression and payload are not up for choice. */
  readonly webSocket: WebSocketOptions | undefined;
  readonly clock: Clock;
}

export class BrokerConnection {
  private readonly socket: WebSocket;
  private readonly clock: Clock;
  private readonly owner: ConnectionOwner;
  /** Monotonic ms. */
  private heardAt: number;
  private timer: Timer;
  /** Once it is known why the connection ends, later reasons do not count. */
  private end: ConnectionEnd | null = null;
  private state: 'open' | 'closing' | 'ended' = 'open';

  /** Starts the handshake at once. */
  constructor(options: BrokerConnectionOptions, owner: ConnectionOwner) {
    this.clock = options.clock;
    this.owner = owner;
    this.heardAt = this.clock.monotonic();
    this.socket = openSocket(options);
    this.timer = this.clock.after(GREET_WITHIN, () => this.giveUp('The broker did not greet in time.'));
    this.listen(this.socket);
  }

  /** Bytes that the network has not taken yet. */
  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  /** `written` is called when the network has taken the frame, or the connection has ended. */
  send(bytes: Uint8Array, written?: () => void): void {
    if (this.state === 'open') this.socket.send(bytes, written);
  }

  /** The greeting is over: from here on the broker must be heard every so often. `keepalive` in seconds. */
  watch(keepalive: number): void {
    this.timer.cancel();
    const interval = Math.max(1, keepalive) * 1000;
    const silence = interval * SILENT_KEEPALIVES;
    const lateness = new Lateness(interval / 2, this.clock.monotonic());
    this.timer = this.clock.every(interval / 2, () => {
      const now = this.clock.monotonic();
      // What came while this process was held up is read before the next time.
      this.heardAt += lateness.measure(now);
      if (now - this.heardAt >= silence) this.giveUp('Nothing was heard for 2.5 keepalives.');
    });
  }

  /** Ends the connection politely; `ended` follows. Idempotent. */
  close(code: number, reason: string): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.because(code, reason);
    this.timer.cancel();
    this.timer = this.clock.after(CLOSE_WITHIN, () => this.socket.terminate());
    this.socket.close(code, reason);
  }

  private listen(socket: WebSocket): void {
    socket.on('message', (data, isBinary) => this.message(data as Buffer, isBinary));
    socket.on('ping', () => this.heard());
    socket.on('pong', () => this.heard());
    socket.on('unexpected-response', (_request, response) => this.refused(response));
    socket.on('error', (error) => this.because(1006, error.message || String(error)));
    socket.on('close', (code, reason) => this.closed(code, reason.toString()));
  }

  private heard(): void {
    this.heardAt = this.clock.monotonic();
  }

  private message(data: Buffer, isBinary: boolean): void {
    this.heard();
    if (this.state !== 'open') return;
    if (isBinary) this.frame(data);
    else this.violation(1003, 'The broker sent a text message.');
  }

  private frame(data: Buffer): void {
    const frame = this.parsed(data);
    if (frame) this.owner.receive(frame);
  }

  /** null: there is nothing to receive. P-2.1: a number that this version does not know is no fault. */
  private parsed(data: Buffer): BrokerFrame | null {
    try {
      return parseBrokerFrame(data);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.violation(1007, `The broker sent a bad frame: ${error.message}`);
      return null;
    }
  }

  private violation(code: number, reason: string): void {
    this.because(code, reason);
    this.close(code, 'bad frame');
  }

  private refused(response: IncomingMessage): void {
    readRefusal(response, this.clock.now(), (refusal) => {
      this.end ??= { kind: 'refused', ...refusal };
      this.socket.terminate();
    });
  }

  private giveUp(reason: string): void {
    this.because(1006, reason);
    this.socket.terminate();
  }

  private because(code: number, reason: string): void {
    this.end ??= { kind: 'closed', code, reason };
  }

  private closed(code: number, reason: string): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.timer.cancel();
    this.owner.ended(this.end ?? { kind: 'closed', code, reason });
  }
}

function openSocket({ address, headers, webSocket }: BrokerConnectionOptions): WebSocket {
  return new WebSocket(address, [SUBPROTOCOL], {
    ...(webSocket as ClientOptions | undefined),
    headers: { ...webSocket?.headers, ...headers },
    perMessageDeflate: false,
    maxPayload: PROFILE.frameBytes,
  });
}

interface HandshakeRefusal {
  readonly status: number;
  /** null: the body is none, so the answer is not a broker's. */
  readonly problem: Problem | null;
  /** ms; null: not said. */
  readonly retryAfter: number | null;
}

/** A problem body is far smaller; more is not read. */
const MOST_BYTES = 16_384;

/** Calls `done` once, also when the answer breaks off. `now`: Unix ms. */
function readRefusal(
  response: IncomingMessage,
  now: number,
  done: (refusal: HandshakeRefusal) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const finish = () => {
    for (const event of ['end', 'error', 'close']) response.removeListener(event, finish);
    response.on('error', () => response.destroy());
    done({
      status: response.statusCode ?? 0,
      problem: parseProblem(Buffer.concat(chunks).toString('utf8')),
      retryAfter: parseRetryAfter(response.headers['retry-after'], now),
    });
  };
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MOST_BYTES) chunks.push(chunk);
    else response.destroy();
  });
  for (const event of ['end', 'error', 'close']) response.on(event, finish);
}

function parseProblem(text: string): Problem | null {
  try {
    const value: unknown = JSON.parse(text);
    const isProblem = typeof value === 'object' && value !== null && 'code' in value && 'detail' in value;
    return isProblem ? (value as Problem) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
