/**
 * Turns a request to `/v1/live` into a viewer of the live channel. It checks the origin, the key or the browser's
 * login, and the places that are left before the upgrade. Owns the viewers' sockets, their places, and the one
 * heartbeat that serves them all; ends the viewers of a key or login that ends.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Config } from '../../schemas/config.ts';
import type { CloseCode } from '../../schemas/errors.ts';
import { LIVE_LIMITS } from '../../schemas/live.ts';
import { type Problem, problem } from '../../schemas/problems.ts';
import { may } from '../../schemas/roles.ts';
import { socketAddress } from '../access/address.ts';
import type { Login } from '../access/browser-sessions.ts';
import { type Caller, callerOf, refusalOf } from '../access/caller.ts';
import { presentedCookie, presentedKey } from '../access/credentials.ts';
import type { FailedAttempts } from '../access/failed-attempts.ts';
import { originAllowed } from '../access/origin.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { Lateness } from '../base/lateness.ts';
import type { Logger } from '../base/logger.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { Counters } from '../hub/counters.ts';
import type { LiveChannel } from '../live/channel.ts';
import type { ViewerConnection, ViewerTransport } from '../live/transport.ts';
import type { KeyRow } from '../store/ports.ts';
import { shareRefusal } from './admission.ts';
import { type ConnectionPlan, whatToRaise } from './connection-plan.ts';
import { checkHandshake, goingAway, type NewerOptions, refuseUpgrade } from './handshake.ts';
import { type Holder, Shares } from './shares.ts';

const PING = 30_000;
const DEAD = 75_000;
/** How long a viewer has to answer a close, and to read what waits before it; ms. */
const CLOSE_GRACE = 2000;
/** Messages a second, beyond which the socket is not read, and control frames, beyond which it is closed. */
const MESSAGES_A_SECOND = 50;
const CONTROL_FRAMES_A_SECOND = 20;

/** The WebSocket of one viewer as the live channel's transport. Owns when it was last heard. */
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

interface LiveRules {
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  authenticate(key: string): KeyRow | null;
  findLogin(cookie: string): Login | null;
}

/** Who views: by a key of its own, or by a browser's login, which has a name. */
interface LiveIdentity {
  readonly caller: Caller;
  readonly login: string | null;
}

/** The identity, or the problem to answer with. */
function readLiveRequest(request: IncomingMessage, rules: LiveRules): LiveIdentity | Problem {
  const early = checkHandshake(request) ?? checkKeyPlace(request) ?? checkOrigin(request, rules);
  if (early) return early;
  const identity = identify(request, rules);
  if (!identity) {
    return problem(
      'unauthorized',
      'Send a valid key in Authorization: Bearer or X-API-Key, or log in; this one is missing, unknown, expired or revoked.',
    );
  }
  const refusal = refusalOf(identity.row.role, 'read');
  if (refusal !== null) return problem('forbidden', refusal);
  return { caller: callerOf(identity.row), login: identity.name };
}

/** In the URL it would reach access logs (P-1.2). */
function checkKeyPlace(request: IncomingMessage): Problem | null {
  if (!new URL(request.url ?? '/', 'http://broker').searchParams.has('key')) return null;
  return problem('key-in-url', 'Send the key in the header Authorization: Bearer <key>, not as ?key=.');
}

/** Browsers always send an origin. A program with a key needs none; a cookie without one proves nothing. */
function checkOrigin(
  request: IncomingMessage,
  { allowedOrigins, trustedProxies }: LiveRules,
): Problem | null {
  const { origin, host } = request.headers;
  const protocol = protocolOf(request, trustedProxies);
  const program =
    origin === undefined &&
    (presentedKey(request.headers) !== null || presentedCookie(request.headers) === null);
  if (program || originAllowed({ origin, host, protocol, allowedOrigins })) return null;
  return problem('origin-refused', 'Use the own page, or add its origin to server.allowedOrigins.');
}

/** How the browser reached us; a trusted proxy says it. */
function protocolOf(request: IncomingMessage, trustedProxies: readonly string[]): 'http' | 'https' {
  const said = trustedProxies.includes(socketAddress(request))
    ? request.headers['x-forwarded-proto']
    : undefined;
  if (said === 'https' || said === 'http') return said;
  return request.socket instanceof TLSSocket ? 'https' : 'http';
}

function identify(
  request: IncomingMessage,
  rules: LiveRules,
): { readonly row: KeyRow; readonly name: string | null } | null {
  const key = presentedKey(request.headers);
  if (key !== null) {
    const row = rules.authenticate(key);
    return row && { row, name: null };
  }
  const cookie = presentedCookie(request.headers);
  return cookie === null ? null : rules.findLogin(cookie);
}

/** Milliseconds between looks at who needs a ping. */
const HEARTBEAT = 5000;
/** One place in so many is for admins alone. */
const FOR_ADMINS = 10;
/** Seconds until another try has a chance. */
const RETRY = 10;

const OPTIONS: ServerOptions & NewerOptions = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: LIVE_LIMITS.messageBytes,
  // A message of a viewer is a short line of JSON; each piece of one costs more than its bytes.
  maxFragments: 8,
  maxBufferedChunks: 256,
  maxPendingAutoPongs: 16,
  // One message of each viewer in a turn of the loop, however many came in one piece.
  allowSynchronousEvents: false,
  closeTimeout: 2000,
};

export interface LiveUpgradeParts {
  readonly keys: {
    authenticate(key: string): KeyRow | null;
    /** Returns how to stop listening. */
    onEnded(listener: (keyId: string) => void): () => void;
  };
  readonly browserSessions: {
    findLogin(cookie: string): Login | null;
    /** Returns how to stop listening. */
    onEnded(listener: (name: string) => void): () => void;
    use(name: string): unknown;
  };
  readonly live: Pick<LiveChannel, 'open' | 'endKey'>;
  readonly config: Pick<Config, 'server' | 'limits'>;
  readonly plan: Pick<ConnectionPlan, 'cut'>;
  readonly counters: Counters;
  readonly failures: Pick<FailedAttempts, 'add'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class LiveUpgrade {
  private readonly parts: LiveUpgradeParts;
  private readonly server = new WebSocketServer(OPTIONS);
  private readonly shares: Shares;
  private readonly sockets = new Set<LiveSocket>();
  private heartbeat: Timer | null = null;
  private unlisten: (() => void)[] = [];
  private state: 'new' | 'started' | 'stopped' = 'new';
  private allGone: (() => void) | null = null;

  constructor(parts: LiveUpgradeParts) {
    this.parts = parts;
    const { viewers, sharePercent } = parts.config.limits;
    this.shares = new Shares(viewers, sharePercent);
  }

  start(): void {
    const { clock, keys, browserSessions, live } = this.parts;
    this.state = 'started';
    this.unlisten = [
      keys.onEnded((keyId) => live.endKey(keyId)),
      browserSessions.onEnded((name) => this.endLogin(name)),
    ];
    const lateness = new Lateness(HEARTBEAT, clock.monotonic());
    this.heartbeat = clock.every(HEARTBEAT, () => {
      const late = lateness.measure(clock.monotonic());
      for (const socket of this.sockets) {
        socket.heartbeat(late);
        // A page that is open is in use, if only on a wall.
        if (socket.login !== null) browserSessions.use(socket.login);
      }
    });
  }

  /** Whether the socket is a viewer's now; otherwise it was refused. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const { keys, browserSessions, config } = this.parts;
    const asked = readLiveRequest(request, {
      ...config.server,
      authenticate: (key) => keys.authenticate(key),
      findLogin: (cookie) => browserSessions.findLogin(cookie),
    });
    if ('caller' in asked) return this.admit(request, socket, head, asked);
    refuseUpgrade(this.parts, request, socket, asked, 'viewer');
    return false;
  }

  /** Ends every viewer with 1001 and waits until their sockets are gone, two seconds at most. Idempotent. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    for (const unlisten of this.unlisten.splice(0)) unlisten();
    this.heartbeat?.cancel();
    this.heartbeat = null;
    if (this.sockets.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.allGone = resolve;
    });
    for (const socket of this.sockets)
      socket.close(1001, 'The broker is going away; connect again in a few seconds.');
    await gone;
  }

  private admit(request: IncomingMessage, socket: Duplex, head: Buffer, who: LiveIdentity): boolean {
    const refusal = this.full(who);
    if (refusal) {
      refuseUpgrade(this.parts, request, socket, refusal, 'viewer');
      return false;
    }
    let opened = false;
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      opened = true;
      this.open(webSocket, who);
    });
    return opened;
  }

  private full(who: LiveIdentity): Problem | null {
    if (this.state !== 'started') return goingAway();
    const { viewers } = this.parts.config.limits;
    const reserved = may(who.caller.role, 'administer') ? 0 : reservedOf(viewers);
    const full = this.shares.full(holderOf(who), reserved);
    const raise = whatToRaise('viewers', this.parts.plan);
    if (full !== 'all') return full && shareRefusal(full, { limit: 'viewers', value: viewers, raise }, RETRY);
    const kept = reserved > 0 ? `, of which it keeps ${reserved} for admins` : '';
    const detail = `The broker takes ${viewers} viewers (limits.viewers)${kept}; close one and try again, or ask the operator to raise ${raise}.`;
    return problem('too-many-connections', detail, { limit: 'limits.viewers', retryAfter: RETRY });
  }

  private open(webSocket: WebSocket, who: LiveIdentity): void {
    const { live, clock } = this.parts;
    const socket = new LiveSocket(webSocket, clock, who.login);
    const holder = holderOf(who);
    this.sockets.add(socket);
    this.shares.add(holder);
    socket.attach(live.open(socket, who.caller), () => {
      this.sockets.delete(socket);
      this.shares.remove(holder);
      if (this.sockets.size === 0) this.allGone?.();
    });
  }

  private endLogin(name: string): void {
    for (const socket of this.sockets) {
      if (socket.login === name) socket.end(4003, 'The login has ended.');
    }
  }
}

/** Logins have a share apart from their key's, so that a program does not shut out the person. */
function holderOf({ caller, login }: LiveIdentity): Holder {
  return { customer: caller.customer, key: login === null ? caller.keyId : `${caller.keyId} login` };
}

function reservedOf(viewers: number): number {
  return viewers > 1 ? Math.max(1, Math.floor(viewers / FOR_ADMINS)) : 0;
}
