/**
 * Runs the one HTTP server: owns the listening socket, and hands requests to the HTTP API in turns and upgrades to
 * their handlers by path. Connections that are no authenticated WebSocket have shown no key: plain HTTP, handshakes,
 * refusals on their way out, and silent ones. So their waits are short and their places few, in all and by address, and
 * the least recently used one makes room: who asks for something gets in, who holds on to places loses them. Owns their
 * order.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { problem } from '../../schemas/problems.ts';
import { networkOf, plainAddress } from '../access/address.ts';
import type { Clock } from '../base/clock.ts';
import { type Counters, count } from '../hub/counters.ts';
import { type ConnectionPlan, whatToRaise } from './connection-plan.ts';
import { answerOf, refuse } from './handshake.ts';
import { RequestQueue, RequestTurns } from './request-turns.ts';
import type { Holder } from './shares.ts';

interface PendingConnectionsOptions {
  readonly total: number;
  readonly perAddress: number;
  readonly plan: Pick<ConnectionPlan, 'cut'>;
  /** Proxies carry many clients and are bounded by the total alone. */
  readonly trustedProxies: readonly string[];
  /** Told of each connection that made room for another. */
  readonly onDisplaced: () => void;
}

class PendingConnections {
  private readonly options: PendingConnectionsOptions;
  /** Socket → its network, null for a proxy; least recently used first. */
  private readonly networks = new Map<Socket, string | null>();
  private readonly byNetwork = new Map<string, Set<Socket>>();
  /** Sockets of which no request has been read. */
  private readonly silent = new WeakSet<Socket>();

  constructor(options: PendingConnectionsOptions) {
    this.options = options;
  }

  get size(): number {
    return this.networks.size;
  }

  /** A connection is there or has done something. Sockets may be added again, after something else held them. */
  used(socket: Socket): void {
    const known = this.networks.has(socket);
    const network = known ? (this.networks.get(socket) as string | null) : this.networkOf(socket);
    this.release(socket);
    this.networks.set(socket, network);
    if (network !== null) this.ofNetwork(network).add(socket);
    if (known) {
      this.silent.delete(socket);
      return;
    }
    this.silent.add(socket);
    socket.once('close', () => this.release(socket));
    this.makeRoom(network);
  }

  /** Forgets a socket that has closed or become an authenticated WebSocket. Idempotent. */
  release(socket: Socket): void {
    const network = this.networks.get(socket);
    this.networks.delete(socket);
    if (network === undefined || network === null) return;
    const sockets = this.byNetwork.get(network);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.byNetwork.delete(network);
  }

  /** Cuts every connection off, at the end of the broker. */
  destroyAll(): void {
    for (const socket of this.networks.keys()) socket.destroy();
  }

  private makeRoom(network: string | null): void {
    const { total, perAddress } = this.options;
    const ofNetwork = network === null ? undefined : this.byNetwork.get(network);
    if (ofNetwork && ofNetwork.size > perAddress) {
      this.displace(ofNetwork.keys(), 'httpConnectionsPerAddress');
    }
    if (this.networks.size > total) this.displace(this.networks.keys(), 'httpConnections');
  }

  private displace(sockets: Iterator<Socket>, limit: 'httpConnections' | 'httpConnectionsPerAddress'): void {
    const { value: oldest } = sockets.next();
    if (!oldest) return;
    this.release(oldest);
    if (this.silent.has(oldest)) explain(oldest, limit, this.options.plan);
    oldest.destroy();
    this.options.onDisplaced();
  }

  private networkOf({ remoteAddress = 'unknown' }: Socket): string | null {
    const address = plainAddress(remoteAddress);
    return this.options.trustedProxies.includes(address) ? null : networkOf(address);
  }

  private ofNetwork(network: string): Set<Socket> {
    const known = this.byNetwork.get(network);
    if (known) return known;
    const sockets = new Set<Socket>();
    this.byNetwork.set(network, sockets);
    return sockets;
  }
}

/** Seconds; those who made it give way lose their places as soon. */
const RETRY_DISPLACED = 5;

/**
 * Says why it gives way (P-1.5), as far as the system takes the bytes without waiting: in a burst of handshakes it is
 * one whose request has not been read. Of a request that was read nobody knows what it has done already, so nothing is
 * said of it.
 */
function explain(socket: Socket, limit: string, plan: Pick<ConnectionPlan, 'cut'>): void {
  const raise = whatToRaise(limit, plan);
  const detail = `Too many connections that have shown no key are open (limits.${limit}); try again in ${RETRY_DISPLACED} s, or ask the operator to raise ${raise}.`;
  const why = problem('too-many-connections', detail, {
    limit: `limits.${limit}`,
    retryAfter: RETRY_DISPLACED,
  });
  if (socket.bytesWritten === 0 && socket.writable) socket.write(answerOf(why));
}

/** Headers that belong to the offer of another protocol, which holds for one hop. */
const OFFER = new Set(['upgrade', 'http2-settings']);

function offersWebSocket({ headers }: IncomingMessage): boolean {
  return (headers.upgrade ?? '').split(',').some((name) => name.trim().toLowerCase() === 'websocket');
}

/** The server reads the request again, its body included, and keeps the connection. */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // The server that gets the connection back adds its own.
  socket.removeAllListeners('timeout');
  socket.unshift(Buffer.concat([Buffer.from(headOf(request), 'latin1'), head]));
  server.emit('connection', socket);
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    const kept = name.toLowerCase() === 'connection' ? withoutOffer(value) : value;
    if (!OFFER.has(name.toLowerCase()) && kept !== '') lines.push(`${name}: ${kept}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** `keep-alive, Upgrade, HTTP2-Settings` → `keep-alive` */
function withoutOffer(connection: string): string {
  const names = connection.split(',').map((name) => name.trim());
  return names.filter((name) => !OFFER.has(name.toLowerCase())).join(', ');
}

const REASONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `Port ${port} of ${host} is in use by another program: stop that one, or choose another port (server.port, --port).`,
  EACCES: (host, port) =>
    `This user may not open port ${port} of ${host}: choose one from 1024 on (server.port, --port).`,
  EADDRNOTAVAIL: (host) => `${host} is no address of this machine (server.host, --host).`,
  ENOTFOUND: (host) => `No address is known for the host name ${host} (server.host, --host).`,
};

/** Why the port cannot be opened, in one sentence for the person who starts the broker. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** The system's error code, such as EADDRINUSE. */
  readonly code: string;

  constructor(cause: NodeJS.ErrnoException, host: string, port: number) {
    const code = cause.code ?? 'unknown';
    const sentence = REASONS[code]?.(host, port);
    super(sentence ?? `Port ${port} of ${host} cannot be opened: ${cause.message}.`, { cause });
    this.code = code;
  }
}

/** Whether the socket is the handler's own now; otherwise it was refused and ends soon. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/** Milliseconds that a client has. */
export interface ClientTimeouts {
  /** From connecting, or the request's first byte, to the end of the headers. */
  readonly headersTimeout: number;
  /** To the end of the body. */
  readonly requestTimeout: number;
  /** Between two requests; longer than the minute after which common proxies give up theirs. */
  readonly keepAliveTimeout: number;
  /** Without a byte in either direction during a request: a client that does not read its answer. */
  readonly timeout: number;
  /** How often the first two are looked at. */
  readonly connectionsCheckingInterval: number;
}

const WAITS: ClientTimeouts = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  timeout: 60_000,
  connectionsCheckingInterval: 500,
};

export interface EdgeParts {
  readonly host: string;
  readonly port: number;
  readonly handle: RequestListener;
  /** Whose key or login a request shows; empty: nobody's. */
  readonly holderOf: (request: IncomingMessage) => Holder;
  /** Path → handler. */
  readonly upgrades: Readonly<Record<string, UpgradeHandler>>;
  readonly plan: Pick<ConnectionPlan, 'sockets' | 'httpConnections' | 'httpConnectionsPerAddress' | 'cut'>;
  readonly trustedProxies: readonly string[];
  readonly counters: Pick<Counters, 'refusals'>;
  readonly clock: Clock;
  readonly waits?: Partial<ClientTimeouts>;
}

export class EdgeServer {
  private readonly parts: EdgeParts;
  private readonly server: Server;
  private readonly pending: PendingConnections;
  private readonly requests: RequestQueue;

  constructor(parts: EdgeParts) {
    this.parts = parts;
    const { plan, trustedProxies, counters } = parts;
    this.requests = new RequestQueue({ ...parts, turns: new RequestTurns(parts.clock) });
    this.pending = new PendingConnections({
      total: plan.httpConnections,
      perAddress: plan.httpConnectionsPerAddress,
      plan,
      trustedProxies,
      onDisplaced: () => count(counters.refusals, 'too-many-connections'),
    });
    const { timeout, ...waits } = { ...WAITS, ...parts.waits };
    this.server = createServer(waits, (request, response) => this.serve(request, response));
    this.server.timeout = timeout;
    // What the plan leaves room for; this only holds against what comes in one turn, before anything is closed.
    if (plan.sockets !== null) this.server.maxConnections = plan.sockets;
    this.server.on('connection', (socket) => this.pending.used(socket));
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  /** Rejects with ListenError if the address cannot be had. */
  async start(): Promise<void> {
    const { host, port } = this.parts;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => reject(new ListenError(error, host, port));
      this.server.once('error', failed);
      this.server.listen({ host, port, backlog: 4096 }, () => {
        this.server.off('error', failed);
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

  /** A connection that has come another way than through the port. */
  accept(socket: Duplex): void {
    this.server.emit('connection', socket);
  }

  /** Connections that are no authenticated WebSocket (yet). */
  get pendingConnections(): number {
    return this.pending.size;
  }

  /** Takes no more connections. Idempotent. */
  close(): void {
    this.server.close();
  }

  /** Ends plain HTTP connections too; upgraded ones belong to their handlers. Idempotent. */
  async stop(): Promise<void> {
    const { server } = this;
    const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : null;
    server.closeAllConnections();
    this.pending.destroyAll();
    await closed;
  }

  private readonly serve: RequestListener = (request, response) => {
    this.pending.used(request.socket);
    this.requests.add(request, response);
  };

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.pending.used(socket as Socket);
    if (!offersWebSocket(request)) {
      serveWithoutUpgrade(this.server, request, socket, head);
      return;
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const handler = this.parts.upgrades[path];
    if (!handler) {
      const detail = 'Devices connect to /v1/device, operators to /v1/live.';
      refuse(socket, this.parts.clock, problem('not-found', detail));
    } else if (handler(request, socket, head)) {
      this.pending.release(socket as Socket);
    }
  }
}
