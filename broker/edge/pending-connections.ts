/**
 * Connections that are no authenticated WebSocket (yet): plain HTTP, handshakes, refusals on their way out, and those
 * that never said a word. Nobody has shown a key, so they are bounded, in all and by address. The least recently used
 * one makes room: who asks for something gets in, who holds on to places loses them. Owns these sockets' order.
 */
import type { Socket } from 'node:net';
import { networkOf, plainAddress } from '../access/address.ts';

export interface PendingConnectionsOptions {
  readonly total: number;
  readonly perAddress: number;
  /** Proxies carry many clients and are bounded by the total alone. */
  readonly trustedProxies: readonly string[];
  /** Told of each connection that made room for another. */
  readonly onDisplaced: (limit: 'limits.httpConnections' | 'limits.httpConnectionsPerAddress') => void;
}

export class PendingConnections {
  private readonly options: PendingConnectionsOptions;
  /** Socket → its network, null for a proxy; least recently used first. */
  private readonly networks = new Map<Socket, string | null>();
  private readonly byNetwork = new Map<string, Set<Socket>>();

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
    if (known) return;
    socket.once('close', () => this.release(socket));
    this.makeRoom(network);
  }

  /** It has closed, or become an authenticated WebSocket. Idempotent. */
  release(socket: Socket): void {
    const network = this.networks.get(socket);
    this.networks.delete(socket);
    if (network === undefined || network === null) return;
    const sockets = this.byNetwork.get(network);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.byNetwork.delete(network);
  }

  /** At the end of the broker. */
  destroyAll(): void {
    for (const socket of this.networks.keys()) socket.destroy();
  }

  private makeRoom(network: string | null): void {
    const { total, perAddress } = this.options;
    const ofNetwork = network === null ? undefined : this.byNetwork.get(network);
    if (ofNetwork && ofNetwork.size > perAddress) {
      this.displace(ofNetwork.keys(), 'limits.httpConnectionsPerAddress');
    }
    if (this.networks.size > total) this.displace(this.networks.keys(), 'limits.httpConnections');
  }

  private displace(
    sockets: Iterator<Socket>,
    limit: 'limits.httpConnections' | 'limits.httpConnectionsPerAddress',
  ): void {
    const { value: oldest } = sockets.next();
    if (!oldest) return;
    this.release(oldest);
    oldest.destroy();
    this.options.onDisplaced(limit);
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
