/** Who is at the other end: the socket's address, or what a trusted proxy says of it. Pure. */
import type { IncomingMessage } from 'node:http';

/** The client's address; `X-Forwarded-For` is believed from right to left while the hops are trusted. */
export function clientAddress(request: IncomingMessage, trustedProxies: readonly string[]): string {
  const remote = socketAddress(request);
  if (!trustedProxies.includes(remote)) return remote;
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((hop) => plain(hop.trim()));
  return hops.reverse().find((hop) => hop !== '' && !trustedProxies.includes(hop)) ?? remote;
}

/** The other end of the socket: the client, or the last proxy. */
export function socketAddress(request: IncomingMessage): string {
  return plain(request.socket.remoteAddress ?? 'unknown');
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
