/**
 * `/v1/live`: from an HTTP request to a viewer of the live channel. Authentication, origin and admission come before
 * the upgrade. Owns the viewers' sockets and their heartbeat.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Config } from '../../schemas/config.ts';
import { LIVE_LIMITS } from '../../schemas/live.ts';
import { type Problem, problem } from '../../schemas/problems.ts';
import type { Caller } from '../hub/caller.ts';
import type { Counters } from '../hub/counters.ts';
import type { FailedAttempts } from '../hub/failed-attempts.ts';
import type { LiveChannel } from '../live/channel.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Clock, Log, Timer } from '../wire/environment.ts';
import { Lateness } from '../wire/lateness.ts';
import { goingAway } from './device-upgrade.ts';
import { readLiveRequest } from './live-request.ts';
import { LiveSocket } from './live-socket.ts';
import { refuseUpgrade } from './refuse.ts';

/** Milliseconds between looks at who needs a ping. */
const HEARTBEAT = 5000;

export interface LiveUpgradeParts {
  readonly keys: {
    authenticate(key: string): KeyRow | null;
    /** Returns how to stop listening. */
    onEnded(listener: (keyId: string) => void): () => void;
  };
  readonly browserSessions: { find(cookie: string): KeyRow | null };
  readonly live: Pick<LiveChannel, 'open' | 'endKey'>;
  readonly config: Pick<Config, 'server' | 'limits'>;
  readonly counters: Counters;
  readonly failures: Pick<FailedAttempts, 'add'>;
  readonly clock: Clock;
  readonly logger: Log;
}

export class LiveUpgrade {
  private readonly parts: LiveUpgradeParts;
  private readonly server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIVE_LIMITS.messageBytes,
  });
  private readonly sockets = new Set<LiveSocket>();
  private heartbeat: Timer | null = null;
  private unlisten: (() => void) | null = null;
  private state: 'new' | 'started' | 'stopped' = 'new';
  private allGone: (() => void) | null = null;

  constructor(parts: LiveUpgradeParts) {
    this.parts = parts;
  }

  start(): void {
    const { clock, keys, live } = this.parts;
    this.state = 'started';
    this.unlisten = keys.onEnded((keyId) => live.endKey(keyId));
    const lateness = new Lateness(HEARTBEAT, clock.monotonic());
    this.heartbeat = clock.every(HEARTBEAT, () => {
      const late = lateness.measure(clock.monotonic());
      for (const socket of this.sockets) socket.heartbeat(late);
    });
  }

  /** Whether the socket is a viewer's now; otherwise it was refused. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const { keys, browserSessions, config } = this.parts;
    const asked = readLiveRequest(request, {
      ...config.server,
      authenticate: (key) => keys.authenticate(key),
      findSession: (cookie) => browserSessions.find(cookie),
    });
    if ('keyId' in asked) return this.admit(request, socket, head, asked);
    refuseUpgrade(this.parts, request, socket, asked, 'viewer');
    return false;
  }

  /** Ends every viewer with 1001 and waits until their sockets are gone, two seconds at most. Idempotent. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    this.unlisten?.();
    this.unlisten = null;
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

  private admit(request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller): boolean {
    const refusal = this.full();
    if (refusal) {
      refuseUpgrade(this.parts, request, socket, refusal, 'viewer');
      return false;
    }
    let opened = false;
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      opened = true;
      this.open(webSocket, caller);
    });
    return opened;
  }

  private full(): Problem | null {
    if (this.state !== 'started') return goingAway();
    const { viewers } = this.parts.config.limits;
    if (this.sockets.size < viewers) return null;
    return problem('too-many-connections', `The broker takes ${viewers} viewers; close one and try again.`, {
      limit: 'limits.viewers',
      retryAfter: 10,
    });
  }

  private open(webSocket: WebSocket, caller: Caller): void {
    const { live, clock } = this.parts;
    const socket = new LiveSocket(webSocket, clock);
    this.sockets.add(socket);
    socket.attach(live.open(socket, caller), () => {
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.allGone?.();
    });
  }
}
