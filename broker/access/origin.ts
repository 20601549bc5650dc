/**
 * Decides whether a page may act with the browser's cookie: only a page of our own origin, or of one that the operator
 * allowed (`server.allowedOrigins`). Guards the writes of the HTTP API and the upgrade of the live channel. Pure.
 */
export interface OriginQuestion {
  /** The `Origin` header; a page cannot forge it. */
  readonly origin: string | undefined;
  /** The `Host` header, with the port unless it is the protocol's own. */
  readonly host: string | undefined;
  /** How the browser reached us; behind a trusted proxy what that says. */
  readonly protocol: 'http' | 'https';
  /** Each as `https://host[:port]`. */
  readonly allowedOrigins: readonly string[];
}

/** False without an `Origin`, for `null` and for what is no origin: the asker must prove itself another way. */
export function originAllowed({ origin, host, protocol, allowedOrigins }: OriginQuestion): boolean {
  const asking = normalOrigin(origin);
  if (asking === null) return false;
  if (host !== undefined && asking === normalOrigin(`${protocol}://${host}`)) return true;
  return allowedOrigins.some((allowed) => normalOrigin(allowed) === asking);
}

/** Lower case and without the protocol's default port; null if it names no http origin. */
function normalOrigin(text: string | undefined): string | null {
  if (text === undefined || !/^https?:\/\/[^/]+\/?$/i.test(text) || !URL.canParse(text)) return null;
  return new URL(text).origin;
}
