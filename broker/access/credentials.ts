/**
 * Reads how a device, person or program proves itself, wherever it asks: a key in a header, or the login's cookie.
 * Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** Set by `POST /api/v1/session`. */
export const SESSION_COOKIE = 'signalbox_session';

const COOKIE = new RegExp(`(?:^|;) *${SESSION_COOKIE}=([^; ]+)`);

/**
 * The key in the headers; null: none. `Authorization` outweighs `X-API-Key`; one of another scheme, or malformed,
 * counts as a key that is not valid, wherever it is sent.
 */
export function presentedKey(headers: IncomingHttpHeaders): string | null {
  const { authorization } = headers;
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1] ?? '';
  const own = headers['x-api-key'];
  return own === undefined ? null : String(own);
}

/** The login's cookie in the headers; null: none. */
export function presentedCookie({ cookie = '' }: IncomingHttpHeaders): string | null {
  return COOKIE.exec(cookie)?.[1] ?? null;
}
