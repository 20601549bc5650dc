/**
 * The page's connection to the live channel: connects, subscribes to everything that the caller may see, and connects
 * again with backoff and full jitter. Owns the socket.
 */
import type { ClientMessage, ServerMessage } from '../schemas/live.ts';

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** Stats come every second: a connection that is silent for this long is dead, whatever the socket says. */
const SILENCE = 15_000;
/** The key was revoked or has expired. */
const KEY_ENDED = 4003;

export interface ConnectionEvents {
  message(message: ServerMessage): void;
  /** The connection is gone; the next attempt comes after `wait` ms. */
  lost(wait: number): void;
  /** Whether the login still holds; asked before each new attempt. Rejects while the broker cannot be reached. */
  loggedIn(): Promise<boolean>;
  /** The login has ended; nothing more is tried. */
  ended(): void;
}

export class Connection {
  private readonly url: string;
  private readonly events: ConnectionEvents;
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;

  constructor(url: string, events: ConnectionEvents) {
    this.url = url;
    this.events = events;
  }

  start(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.expectMessage();
    socket.onopen = () => this.say({ type: 'subscribe', id: 1, topic: '+/+' });
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      this.attempts = 0;
      this.expectMessage();
      this.events.message(JSON.parse(data));
    };
    socket.onclose = ({ code }) => this.lost(code);
  }

  /** Idempotent. */
  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    if (this.socket) {
      this.socket.onclose = null;
      this.socket.onmessage = null;
      this.socket.close();
    }
    this.socket = null;
  }

  private lost(code: number): void {
    this.stop();
    if (code === KEY_ENDED) {
      this.events.ended();
      return;
    }
    const wait = Math.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.attempts);
    this.attempts += 1;
    this.events.lost(wait);
    this.timer = setTimeout(() => this.again(), wait);
  }

  private again(): void {
    this.events.loggedIn().then(
      (yes) => (yes ? this.start() : this.events.ended()),
      () => this.lost(0),
    );
  }

  private expectMessage(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(0), SILENCE);
  }

  private say(message: ClientMessage): void {
    this.socket?.send(JSON.stringify(message));
  }
}
