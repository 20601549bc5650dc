/**
 * The page of a logged-in person: connects to the live channel, which fills the model, and draws what the address names
 * once an animation frame, and the ages once a second. Owns the connection and the model.
 */
import type { Session } from '../schemas/api.ts';
import type { ClientMessage, ServerMessage } from '../schemas/live.ts';
import { may } from '../schemas/roles.ts';
import { DeviceScreen } from './device/device-screen.ts';
import { element } from './dom.ts';
import { FleetScreen } from './fleet-screen.ts';
import { duration } from './format.ts';
import { whoIsLoggedIn } from './login.ts';
import { FleetModel } from './model.ts';
import { readRoute } from './route.ts';

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** Stats come every second: a connection that is silent for this long is dead, whatever the socket says. */
const SILENCE = 15_000;
/** The key was revoked or has expired. */
const KEY_ENDED = 4003;

interface LiveConnectionEvents {
  message(message: ServerMessage): void;
  /** The connection is gone; the next attempt comes after `wait` ms. */
  lost(wait: number): void;
  /** Whether the login still holds; asked before each new attempt. Rejects while the broker cannot be reached. */
  loggedIn(): Promise<boolean>;
  /** The login has ended; nothing more is tried. */
  ended(): void;
}

/**
 * The page's connection to the live channel: connects, subscribes to everything that the caller may see, and connects
 * again with backoff and full jitter. Owns the socket.
 */
class LiveConnection {
  private readonly url: string;
  private readonly events: LiveConnectionEvents;
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;

  constructor(url: string, events: LiveConnectionEvents) {
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

/** How old the page's data may be before the page says so; ms. */
const FRESH = 3000;

export class DashboardPage {
  private readonly model = new FleetModel();
  private readonly fleet = new FleetScreen(this.model, () => this.drawSoon());
  private readonly device = new DeviceScreen(this.model, () => this.drawSoon());
  private readonly connection: LiveConnection;
  private session: Session | null = null;
  private frame = 0;
  private heardAt = Date.now();
  /** The broker's clock minus this one's, ms; null until the first stats tell it, within a second. */
  private clockOffset: number | null = null;
  /** The device that is shown; null: the fleet. */
  private shown: string | null = null;

  /** `ended` is called when the login no longer holds. */
  constructor(ended: () => void) {
    const url = new URL('/v1/live', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.connection = new LiveConnection(url.href, {
      message: (message) => this.receive(message),
      lost: () => this.lost(),
      loggedIn: async () => (await whoIsLoggedIn()) !== null,
      ended,
    });
    setInterval(() => this.drawSoon(), 1000);
  }

  start(session: Session): void {
    this.session = session;
    this.heardAt = Date.now();
    this.connection.start();
    this.navigate();
  }

  /** Leaves nothing on the page that the next person should not see. */
  stop(): void {
    this.session = null;
    this.shown = null;
    document.title = 'Signalbox';
    this.connection.stop();
    this.model.clear();
    this.device.hide();
    this.fleet.clear();
    this.fleet.hide();
  }

  /** Shows what the address names. */
  navigate(): void {
    if (!this.session) return;
    const { device } = readRoute(location.hash);
    const from = this.shown;
    this.shown = device;
    document.title = device === null ? 'Signalbox' : `${device} · Signalbox`;
    if (device === null) {
      this.device.hide();
      this.fleet.show();
      this.fleet.draw(this.now());
      if (from !== null) document.querySelector<HTMLElement>(`a[href="#/${from}"]`)?.focus();
    } else {
      this.fleet.hide();
      this.device.show(device, may(this.session.role, 'operate') ? 'act' : 'look');
    }
    this.drawSoon();
  }

  private receive(message: ServerMessage): void {
    this.heardAt = Date.now();
    if (message.type === 'stats') this.clockOffset = message.stats.at - this.heardAt;
    this.model.apply(message);
    this.device.apply(message);
    this.drawSoon();
  }

  private lost(): void {
    this.model.disconnected();
    this.drawSoon();
  }

  private drawSoon(): void {
    if (this.frame !== 0 || !this.session) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.session) this.draw();
    });
  }

  private draw(): void {
    if (this.shown === null) this.fleet.draw(this.now());
    else this.device.draw(this.now());
    this.drawLink();
  }

  private now(): number | null {
    return this.clockOffset === null ? null : Date.now() + this.clockOffset;
  }

  private drawLink(): void {
    const link = element('link');
    const age = Date.now() - this.heardAt;
    const live = this.model.state === 'complete' && age < FRESH;
    link.dataset.state = live ? 'live' : this.model.rows.size > 0 ? 'stale' : 'connecting';
    link.textContent = live
      ? 'Live'
      : this.model.rows.size > 0
        ? `This page's data is ${duration(age)} old; connecting…`
        : 'Connecting…';
  }
}
