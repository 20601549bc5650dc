/** The one HTTP server (interfaces.md, "Ports and paths"). Owns the listening socket and routes upgrades by path. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { problem } from '../../schemas/problems.ts';
import { refuse } from './refuse.ts';

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface EdgeParts {
  readonly host: string;
  readonly port: number;
  readonly handle: RequestListener;
  /** Path → handler. */
  readonly upgrades: Readonly<Record<string, UpgradeHandler>>;
}

export class EdgeServer {
  private readonly parts: EdgeParts;
  private readonly server: Server;

  constructor(parts: EdgeParts) {
    this.parts = parts;
    this.server = createServer(
      { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
      parts.handle,
    );
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  /** Rejects if the address is taken. */
  async start(): Promise<void> {
    const { host, port } = this.parts;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host, port, backlog: 4096 }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  /** `http://host:port`, with the port that was given out. */
  get url(): string {
    const { address, family, port } = this.server.address() as AddressInfo;
    const anywhere = address === '::' || address === '0.0.0.0';
    const host = anywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
    return `http://${host}:${port}`;
  }

  /** Takes no more connections. Idempotent. */
  close(): void {
    this.server.close();
  }

  /** Ends plain HTTP connections too; upgraded ones belong to their handlers. Idempotent. */
  async stop(): Promise<void> {
    if (!this.server.listening) {
      this.server.closeAllConnections();
      return;
    }
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const handler = this.parts.upgrades[path];
    if (handler) handler(request, socket, head);
    else refuse(socket, problem('not-found', 'Devices connect to /v1/device, operators to /v1/live.'));
  }
}
