/** The built page before a fleet that the test fills: login by key or token, the live channel, the broker's policy. */

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { PAGE_POLICY } from '../../broker/admin/security-headers.ts';
import { LiveUpgrade } from '../../broker/edge/live-upgrade.ts';
import type { KeyRow } from '../../broker/store/ports.ts';
import { problem } from '../../schemas/problems.ts';
import { silentLog } from '../helpers/log.ts';
import { World } from '../live/world.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const ROW: KeyRow = {
  id: 'abcd1234',
  hash: new Uint8Array(32),
  customer: '*',
  device: null,
  role: 'admin',
  label: null,
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
};
const SESSION = { keyId: ROW.id, role: ROW.role, customer: ROW.customer };

export class DashboardServer {
  readonly world = new World();
  readonly requested: string[] = [];
  private readonly folder: string;
  private readonly upgrade: LiveUpgrade;
  private readonly server = createServer((request, response) => void this.answer(request, response));

  constructor(folder: string) {
    this.folder = folder;
    const { world } = this;
    this.upgrade = new LiveUpgrade({
      plan: { cut: [] },
      keys: { authenticate: () => null, onEnded: () => () => {} },
      browserSessions: {
        findLogin: (cookie) => (cookie === 'login' ? { name: cookie, row: ROW } : null),
        onEnded: () => () => {},
        use: () => {},
      },
      live: world.live,
      config: {
        server: { allowedOrigins: [], trustedProxies: [] },
        limits: { viewers: 10, sharePercent: 90 },
      } as never,
      counters: world.counters,
      failures: { add: () => null },
      clock: world.clock,
      logger: silentLog,
    });
    this.server.on('upgrade', (request, socket, head) => this.upgrade.upgrade(request, socket, head));
  }

  async start(): Promise<void> {
    this.upgrade.start();
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Every viewer is thrown out, as by a broker that restarts; nobody comes in again before `comeBack`. */
  goAway(): Promise<void> {
    return this.upgrade.stop();
  }

  comeBack(): void {
    this.upgrade.start();
  }

  async stop(): Promise<void> {
    await this.upgrade.stop();
    this.world.live.stop();
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requested.push(request.url ?? '');
    if (request.url === '/api/v1/session') await this.session(request, response);
    else this.file(request.url ?? '/', response);
  }

  private async session(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cookie = 'HttpOnly; SameSite=Strict; Path=/';
    if (request.method === 'GET') {
      const known = request.headers.cookie?.includes('signalbox_session=login');
      return json(response, known ? 200 : 401, SESSION);
    }
    if (request.method === 'DELETE') {
      response.setHeader('Set-Cookie', `signalbox_session=; Max-Age=0; ${cookie}`);
      return json(response, 204, null);
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    const { key, token } = JSON.parse(body);
    if (key !== 'right' && token !== 'once')
      return json(response, 401, problem('unauthorized', 'The key is not valid.'));
    response.setHeader('Set-Cookie', `signalbox_session=login; ${cookie}`);
    json(response, 201, SESSION);
  }

  private file(url: string, response: ServerResponse): void {
    const path = join(this.folder, url === '/' ? 'index.html' : url);
    if (!existsSync(path)) {
      json(response, 404, { detail: 'no such file' });
      return;
    }
    response.writeHead(200, {
      'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
      'Content-Security-Policy': PAGE_POLICY,
    });
    response.end(readFileSync(path));
  }
}

function json(response: ServerResponse, status: number, body: object | null): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(body === null ? '' : JSON.stringify(body));
}
