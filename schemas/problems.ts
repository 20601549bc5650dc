/**
 * Refusals before the upgrade and errors of the HTTP API (P-1.5, RFC 9457): one table, `code` → status and title.
 * A problem's `type` is `urn:signalbox:problem:<code>`; `detail` says which limit or rule it was and what to do.
 */
export const PROBLEMS = {
  'bad-request': { status: 400, title: 'The request is malformed' },
  'bad-subprotocol': { status: 400, title: 'The offered subprotocols do not include signalbox.v1' },
  'key-in-url': { status: 400, title: 'The key must not travel in the URL' },
  'device-missing': { status: 400, title: 'A fleet key needs ?device=<id>' },
  'device-id-invalid': { status: 400, title: 'The device id is not well-formed' },
  unauthorized: { status: 401, title: 'The key is not valid' },
  forbidden: { status: 403, title: 'The key does not allow this' },
  'device-mismatch': { status: 403, title: 'The key belongs to another device' },
  'origin-refused': { status: 403, title: 'The page that asks is from another origin' },
  'not-found': { status: 404, title: 'No such thing' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  conflict: { status: 409, title: 'The request conflicts with what is there' },
  'precondition-failed': { status: 412, title: 'It has changed since you read it' },
  'args-too-large': { status: 413, title: 'The arguments are too large' },
  'desired-too-large': { status: 413, title: 'The desired document is too large' },
  'too-large-for-device': { status: 413, title: 'The device cannot receive so large a frame' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'upgrade-required': { status: 426, title: 'This address speaks WebSocket' },
  'too-many-handshakes': { status: 429, title: 'Too many handshakes a second' },
  'too-many-from-address': { status: 429, title: 'Too many connections from this address' },
  'too-many-devices': { status: 429, title: 'Too many devices of this customer' },
  'too-many-of-customer': { status: 429, title: 'Too many connections of this customer' },
  'too-many-of-key': { status: 429, title: 'Too many connections of this key' },
  'too-many-commands': { status: 429, title: 'Too many commands wait' },
  'too-many-jobs': { status: 429, title: 'Too many jobs are not over' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'too-many-connections': { status: 503, title: 'The broker has reached its number of connections' },
  'going-away': { status: 503, title: 'The broker is shutting down' },
  'not-ready': { status: 503, title: 'The broker is not ready' },
  'store-unavailable': { status: 503, title: 'The store is not available' },
  internal: { status: 500, title: 'Something went wrong in the broker' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The body, `application/problem+json`. `limit` names the configuration value that refused. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail: string;
  limit?: string;
  retryAfter?: number;
}

/** Builds the body of a refusal; `detail` is one sentence that says what to do. */
export function problem(
  code: ProblemCode,
  detail: string,
  extra: Pick<Problem, 'limit' | 'retryAfter'> = {},
): Problem {
  const { status, title } = PROBLEMS[code];
  return { type: `urn:signalbox:problem:${code}`, title, status, code, detail, ...extra };
}
