/** The WebSocket of one viewer as the live channel's transport. Owns when it was last heard. */
import type WebSocket from 'ws';
import type { CloseCode } from '../../schemas/errors.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { ViewerConnection, ViewerTransport } from '../live/transport.ts';

const PING = 30_000;
const DEAD = 75_000;
/** How long a viewer has to answer a close, and to read what waits before it; ms. */
const CLOSE_GRACE = 2000;
/** Messages a second, beyond which the socket is not read, and control frames, beyond which it is closed. */
const MESSAGES_A_SECOND = 50;
const CONTROL_FRAMES_A_SECOND = 20;

export class LiveSocket implements ViewerTransport {
  /** The browser's login that it came with; null: a key. */
  readonly login: string | null;
  private readonly webSocket: WebSocket;
  private readonly clock: Clock;
  /** Both: monotonic ms. */
  private heardAt: number;
  private pingedAt: number;
  private readonly messageRate: TokenBucket;
  private readonly controlRate: TokenBucket;
  private unread: Timer | null = null;
  private grace: Timer | null = null;
  private connection: ViewerConnection | null = null;

  constructor(webSocket: WebSocket, clock: Clock, login: string | null) {
    this.login = login;
    this.webSocket = webSocket;
    this.clock = clock;
    this.heardAt = clock.monotonic();
    this.pingedAt = this.heardAt;
    this.messageRate = new TokenBucket(MESSAGES_A_SECOND, this.heardAt);
    this.controlRate = new TokenBucket(CONTROL_FRAMES_A_SECOND, this.heardAt);
  }

  get bufferedBytes(): number {
    return this.webSocket.bufferedAmount;
  }

  send(text: string | Buffer): void {
    this.webSocket.send(text, { binary: false });
  }

  /** Nothing more is told, and the connection is closed. */
  end(code: CloseCode, reason: string): void {
    this.connection?.end(code, reason);
  }

  /** A viewer that does not read would hold its bytes here until it answers; it gets two seconds. */
  close(code: number, reason: string): void {
    if (this.grace) return;
    this.allowGrace();
    this.webSocket.close(code, reason);
  }

  /** Called every few seconds: pings a quiet viewer and ends a dead one. `late`: ms in which nobody could be heard. */
  heartbeat(late: number): void {
    const now = this.clock.monotonic();
    this.heardAt += late;
    if (late > 0) {
      this.pingedAt = now;
      this.webSocket.ping();
    } else if (now - this.heardAt >= DEAD) {
      this.webSocket.terminate();
    } else if (now - this.pingedAt >= PING) {
      this.pingedAt = now;
      this.webSocket.ping();
    }
  }

  /** Feeds the connection; `gone` is called once, when the socket is closed. */
  attach(connection: ViewerConnection, gone: () => void): void {
    this.connection = connection;
    this.webSocket.on('message', (data: Buffer, isBinary) => {
      this.heardAt = this.clock.monotonic();
      if (isBinary) this.close(1003, 'Send text messages with JSON, not binary ones.');
      else if (!this.grace) connection.receive(data.toString());
      this.slowDown();
    });
    this.webSocket.on('ping', () => this.hearControl());
    this.webSocket.on('pong', () => this.hearControl());
    // A reset, a message that breaks RFC 6455 or one that is too big; ws itself closes with the code for it.
    this.webSocket.on('error', () => this.allowGrace());
    this.webSocket.on('close', () => {
      this.grace?.cancel();
      this.unread?.cancel();
      connection.closed();
      gone();
    });
  }

  private hearControl(): void {
    this.heardAt = this.clock.monotonic();
    if (this.controlRate.take(1, this.heardAt) > 0) this.end(4029, 'Too many control frames.');
  }

  /** Each message may ask for a snapshot; who asks too fast waits in its own socket. */
  private slowDown(): void {
    const wait = this.messageRate.take(1, this.heardAt);
    if (wait === 0 || this.grace) return;
    this.webSocket.pause();
    this.unread?.cancel();
    this.unread = this.clock.after(wait, () => this.webSocket.resume());
  }

  private allowGrace(): void {
    this.grace ??= this.clock.after(CLOSE_GRACE, () => this.webSocket.terminate());
  }
}
