/** Who is at the other end: the socket's address, or what a trusted proxy says of it. Pure. */
import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../access/address.ts';

/** The client's address; `X-Forwarded-For` is believed from right to left while the hops are trusted. */
export function clientAddress(request: IncomingMessage, trustedProxies: readonly string[]): string {
  const remote = socketAddress(request);
  if (!trustedProxies.includes(remote)) return remote;
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((hop) => plainAddress(hop.trim()));
  return hops.reverse().find((hop) => hop !== '' && !trustedProxies.includes(hop)) ?? remote;
}

/** The other end of the socket: the client, or the last proxy. */
export function socketAddress(request: IncomingMessage): string {
  return plainAddress(request.socket.remoteAddress ?? 'unknown');
}
