/** The live channel over real WebSockets, with keys by name and logins by cookie. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from 'ws';
import { FailedAttempts } from '../../broker/access/failed-attempts.ts';
import { LiveUpgrade } from '../../broker/edge/live-upgrade.ts';
import type { KeyRow } from '../../broker/store/ports.ts';
import { silentLog } from '../helpers/log.ts';
import { World } from './world.ts';

const ROWS: Readonly<Record<string, KeyRow>> = {
  admin: row('admin', '*'),
  acme: row('viewer', 'acme'),
  beta: row('viewer', 'beta'),
  device: row('device', 'acme'),
};

function row(role: KeyRow['role'], customer: string): KeyRow {
  const nothing = { device: null, label: null, expiresAt: null, revokedAt: null, lastUsedAt: null };
  return { ...nothing, id: `${role}-${customer}`, hash: new Uint8Array(32), customer, role, createdAt: 0 };
}

/** A server with nothing but the live channel. */
export class Edge {
  readonly world = new World();
  readonly sockets: WebSocket[] = [];
  readonly upgrade: LiveUpgrade;
  private readonly server: Server = createServer();
  readonly used: string[] = [];
  endLogin: (name: string) => void = () => {};
  private endKey: (keyId: string) => void = () => {};

  constructor(viewers = 10) {
    const { world } = this;
    this.upgrade = new LiveUpgrade({
      plan: { cut: [] },
      keys: {
        authenticate: (key) => ROWS[key] ?? null,
        onEnded: (listener) => {
          this.endKey = listener;
          return () => {};
        },
      },
      browserSessions: {
        findLogin: (cookie) =>
          cookie.startsWith('login') ? { name: cookie, row: ROWS.acme as KeyRow } : null,
        onEnded: (listener) => {
          this.endLogin = listener;
          return () => {};
        },
        use: (name) => void this.used.push(name),
      },
      live: world.live,
      config: {
        server: { allowedOrigins: ['https://ops.example'], trustedProxies: [] },
        limits: { viewers, sharePercent: 90 },
      } as never,
      counters: world.counters,
      failures: new FailedAttempts(world.clock),
      clock: world.clock,
      logger: silentLog,
    });
    this.server.on('upgrade', (request, socket, head) => this.upgrade.upgrade(request, socket, head));
  }

  async start(): Promise<this> {
    this.upgrade.start();
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  ends(keyId: string): void {
    this.endKey(keyId);
  }

  /** The open socket, or the status and body of the refusal. */
  async connect(
    headers: Record<string, string>,
    query = '',
  ): Promise<WebSocket | { status: number; body: unknown }> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/v1/live${query}`, { headers });
    this.sockets.push(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(socket));
      socket.once('unexpected-response', (_, response) => {
        response.setEncoding('utf8').once('data', (body: string) => {
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(body) });
        });
      });
      socket.once('error', reject);
    });
  }

  async viewer(key = 'admin'): Promise<WebSocket> {
    const socket = await this.connect({ Authorization: `Bearer ${key}` });
    if (!(socket instanceof WebSocket)) throw new Error(`refused: ${JSON.stringify(socket)}`);
    return socket;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await this.upgrade.stop();
    this.world.live.stop();
    this.server.close();
  }
}
