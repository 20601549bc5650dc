/** Who wants to view: the key or the browser's login that a request proves, checked before the upgrade. Pure. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type Problem, problem } from '../../schemas/problems.ts';
import type { Login } from '../access/browser-sessions.ts';
import { type Caller, callerOf } from '../access/caller.ts';
import { presentedKey, SESSION_COOKIE } from '../access/credentials.ts';
import { originAllowed } from '../access/origin.ts';
import type { KeyRow } from '../store/ports.ts';
import { socketAddress } from './address.ts';
import { checkHandshake } from './device-request.ts';

const COOKIE = new RegExp(`(?:^|;) *${SESSION_COOKIE}=([^; ]+)`);

export interface LiveRules {
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  authenticate(key: string): KeyRow | null;
  findLogin(cookie: string): Login | null;
}

/** Who views: by a key of its own, or by a browser's login, which has a name. */
export interface LiveIdentity {
  readonly caller: Caller;
  readonly login: string | null;
}

/** The identity, or the problem to answer with. */
export function readLiveRequest(request: IncomingMessage, rules: LiveRules): LiveIdentity | Problem {
  const early = checkHandshake(request) ?? checkKeyPlace(request) ?? checkOrigin(request, rules);
  if (early) return early;
  const identity = identify(request, rules);
  if (!identity) {
    return problem(
      'unauthorized',
      'Send a valid key in Authorization: Bearer or X-API-Key, or log in; this one is missing, unknown, expired or revoked.',
    );
  }
  if (identity.row.role === 'device') {
    return problem(
      'forbidden',
      'A device key connects to /v1/device only; use a viewer, operator or admin key.',
    );
  }
  return { caller: callerOf(identity.row), login: identity.name };
}

/** In the URL it would reach access logs (P-1.2). */
function checkKeyPlace(request: IncomingMessage): Problem | null {
  if (!new URL(request.url ?? '/', 'http://broker').searchParams.has('key')) return null;
  return problem('key-in-url', 'Send the key in the header Authorization: Bearer <key>, not as ?key=.');
}

/** Browsers always send an origin. A program with a key needs none; a cookie without one proves nothing. */
function checkOrigin(
  request: IncomingMessage,
  { allowedOrigins, trustedProxies }: LiveRules,
): Problem | null {
  const { origin, host } = request.headers;
  const protocol = protocolOf(request, trustedProxies);
  const program =
    origin === undefined && (presentedKey(request.headers) !== null || presentedCookie(request) === null);
  if (program || originAllowed({ origin, host, protocol, allowedOrigins })) return null;
  return problem('origin-refused', 'Use the own page, or add its origin to server.allowedOrigins.');
}

/** How the browser reached us; a trusted proxy says it. */
function protocolOf(request: IncomingMessage, trustedProxies: readonly string[]): 'http' | 'https' {
  const said = trustedProxies.includes(socketAddress(request))
    ? request.headers['x-forwarded-proto']
    : undefined;
  if (said === 'https' || said === 'http') return said;
  return request.socket instanceof TLSSocket ? 'https' : 'http';
}

function identify(
  request: IncomingMessage,
  rules: LiveRules,
): { readonly row: KeyRow; readonly name: string | null } | null {
  const key = presentedKey(request.headers);
  if (key !== null) {
    const row = rules.authenticate(key);
    return row && { row, name: null };
  }
  const cookie = presentedCookie(request);
  return cookie === null ? null : rules.findLogin(cookie);
}

function presentedCookie({ headers }: IncomingMessage): string | null {
  return COOKIE.exec(headers.cookie ?? '')?.[1] ?? null;
}
