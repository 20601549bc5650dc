/** Answers an upgrade that is refused: plain HTTP with a problem body, then the end of the socket (P-1.5). */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '../../schemas/config.ts';
import type { Problem } from '../../schemas/problems.ts';
import { type Counters, count } from '../hub/counters.ts';
import type { Log } from '../wire/environment.ts';
import { clientAddress } from './address.ts';

const UPGRADE = { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' };

export interface RefusalParts {
  readonly counters: Counters;
  readonly logger: Log;
  readonly config: Pick<Config, 'server'>;
}

/** Refuses a WebSocket handshake: counted by its reason, told to whoever debugs, then answered. */
export function refuseUpgrade(
  { counters, logger, config }: RefusalParts,
  request: IncomingMessage,
  socket: Duplex,
  refusal: Problem,
  who: 'device' | 'viewer',
): void {
  count(counters.refusals, refusal.code);
  const address = clientAddress(request, config.server.trustedProxies);
  logger.debug({ address, code: refusal.code }, `A ${who} was refused.`);
  refuse(socket, refusal, refusal.code === 'upgrade-required' ? UPGRADE : {});
}

/** Writes the refusal and closes. A peer that is already gone is no error. */
export function refuse(
  socket: Duplex,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
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
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`,
  );
}
