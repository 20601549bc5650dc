/** Answers an upgrade that is refused: plain HTTP with a problem body, then the end of the socket (P-1.5). */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '../../schemas/config.ts';
import { type Problem, problem } from '../../schemas/problems.ts';
import { presentedKey } from '../access/credentials.ts';
import type { FailedAttempts } from '../access/failed-attempts.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type Counters, count } from '../hub/counters.ts';
import { clientAddress } from './address.ts';

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

function answerOf(problem: Problem, headers: Readonly<Record<string, string>>): string {
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
