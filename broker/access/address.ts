/**
 * Reads network addresses, and finds who is at the other end of a request: the socket's address, or what a trusted
 * proxy says of it. Says what counts as one place on the network. Pure.
 */
import type { IncomingMessage } from 'node:http';

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

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/**
 * What counts as one place on the network: an IPv4 address, or the /64 of an IPv6 address, within which one host may
 * pick 2^64 addresses.
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = (plain.split('%', 1)[0] ?? '').split('::', 2);
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array<string>(zeros).fill('0'), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
