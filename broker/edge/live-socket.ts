/** The WebSocket of one viewer as the live channel's transport. Owns when it was last heard. */
import type WebSocket from 'ws';
import type { ViewerConnection, ViewerTransport } from '../live/transport.ts';
import type { Clock, Timer } from '../wire/environment.ts';

const PING = 30_000;
const DEAD = 75_000;
/** How long a viewer has to answer a close, and to read what waits before it; ms. */
const CLOSE_GRACE = 2000;

export class LiveSocket implements ViewerTransport {
  private readonly webSocket: WebSocket;
  private readonly clock: Clock;
  /** Both: monotonic ms. */
  private heardAt: number;
  private pingedAt: number;
  private grace: Timer | null = null;

  constructor(webSocket: WebSocket, clock: Clock) {
    this.webSocket = webSocket;
    this.clock = clock;
    this.heardAt = clock.monotonic();
    this.pingedAt = this.heardAt;
  }

  get bufferedBytes(): number {
    return this.webSocket.bufferedAmount;
  }

  send(text: string | Buffer): void {
    this.webSocket.send(text, { binary: false });
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
    this.webSocket.on('message', (data: Buffer, isBinary) => {
      this.heardAt = this.clock.monotonic();
      if (isBinary) this.close(1003, 'Send text messages with JSON, not binary ones.');
      else if (!this.grace) connection.receive(data.toString());
    });
    this.webSocket.on('pong', () => {
      this.heardAt = this.clock.monotonic();
    });
    // A reset, a message that breaks RFC 6455 or one that is too big; ws itself closes with the code for it.
    this.webSocket.on('error', () => this.allowGrace());
    this.webSocket.on('close', () => {
      this.grace?.cancel();
      connection.closed();
      gone();
    });
  }

  private allowGrace(): void {
    this.grace ??= this.clock.after(CLOSE_GRACE, () => this.webSocket.terminate());
  }
}
