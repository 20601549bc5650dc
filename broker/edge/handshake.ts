/**
 * Does what the upgrades of devices and viewers have in common: checks that a request is a WebSocket handshake, and
 * refuses one with an answer in plain HTTP, a problem body, and then the end of the socket (P-1.5). A wrong key counts
 * against its address.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '../../schemas/config.ts';
import { type Problem, problem } from '../../schemas/problems.ts';
import { clientAddress } from '../access/address.ts';
import { presentedKey } from '../access/credentials.ts';
import type { FailedAttempts } from '../access/failed-attempts.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type Counters, count } from '../hub/counters.ts';

const UPGRADE = { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' };
/** How long a peer has to read the answer and to close; ms. */
const LINGER = 2000;

export interface RefusalParts {
  readonly counters: Counters;
  readonly logger: Logger;
  readonly config: Pick<Config, 'server'>;
  /** Shared with the HTTP API. */
  readonly failures: Pick<FailedAttempts, 'add'>;
  readonly clock: Clock;
}

/** Refuses a WebSocket handshake: counted by its reason, told to whoever debugs, then answered. */
export function refuseUpgrade(
  { counters, logger, config, failures, clock }: RefusalParts,
  request: IncomingMessage,
  socket: Duplex,
  why: Problem,
  who: 'device' | 'viewer',
): void {
  const address = clientAddress(request, config.server.trustedProxies);
  const refusal = why.code === 'unauthorized' && showsKey(request) ? slowedDown(failures, address, why) : why;
  count(counters.refusals, refusal.code);
  logger.debug({ address, code: refusal.code }, `A ${who} was refused.`);
  refuse(socket, clock, refusal, refusal.code === 'upgrade-required' ? UPGRADE : {});
}

/** A wrong key counts against its address; after too many the answer says how long to wait. */
function slowedDown(failures: Pick<FailedAttempts, 'add'>, address: string, why: Problem): Problem {
  const retryAfter = failures.add(address);
  if (retryAfter === null) return why;
  return problem('too-many-requests', `Too many invalid keys; wait ${retryAfter} s.`, { retryAfter });
}

function showsKey({ headers, url = '/' }: IncomingMessage): boolean {
  return presentedKey(headers) !== null || new URL(url, 'http://broker').searchParams.has('key');
}

/** Writes the refusal and closes; a peer that holds on is cut off after two seconds. One that is gone is no error. */
export function refuse(
  socket: Duplex,
  clock: Clock,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const cutOff = clock.after(LINGER, () => socket.destroy());
  socket.once('close', () => cutOff.cancel());
  // What still comes is dropped: unread, it would hide the end of the connection.
  socket.resume();
  socket.end(answerOf(problem, headers));
}

/** The whole answer of a refusal; nothing follows it. */
export function answerOf(problem: Problem, headers: Readonly<Record<string, string>> = {}): string {
  const body = JSON.stringify(problem);
  const all = {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...(problem.retryAfter === undefined ? {} : { 'Retry-After': String(problem.retryAfter) }),
    ...(problem.status === 401 ? { 'WWW-Authenticate': 'Bearer realm="signalbox"' } : {}),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`;
  return `${status}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** null if it is a WebSocket handshake (RFC 6455). */
export function checkHandshake(request: IncomingMessage): Problem | null {
  const { headers } = request;
  if (request.method !== 'GET') return problem('bad-request', 'A WebSocket handshake is a GET request.');
  if (headers.upgrade?.toLowerCase() !== 'websocket')
    return problem('upgrade-required', 'Connect with Upgrade: websocket.');
  if (headers['sec-websocket-version'] !== '13') {
    return problem('upgrade-required', 'Connect with Sec-WebSocket-Version: 13 (RFC 6455).');
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '')) {
    return problem('bad-request', 'Sec-WebSocket-Key must be 16 bytes in base64.');
  }
  return null;
}

/** These options are newer than ws's published types. */
export interface NewerOptions {
  maxFragments: number;
  maxPendingAutoPongs?: number;
  maxBufferedChunks: number;
  closeTimeout: number;
}

/** The answer while the broker ends; devices spread their next try by their own backoff. */
export function goingAway(): Problem {
  return problem('going-away', 'The broker is shutting down; try again in a few seconds.', { retryAfter: 5 });
}
