/**
 * Requests that are refused, half written, or not asked for at all, and the HTTP status that PROTOCOL.md (P-1.1 to P-1.5) gives each. Owns the
 * table; `strangers.ts` carries it out.
 */
export interface Keys {
  readonly fleet: string;
  readonly viewer: string;
  /** Of the device `own`. */
  readonly own: string;
}

export interface RequestCase {
  readonly name: string;
  /** The statuses of the answers, in order; none: the connection ends without one, or with 408. */
  readonly statuses: readonly number[];
  /** The `code` of the first answer's problem; null: it has none of ours. */
  readonly code: string | null;
  /** ms after which the broker has ended it. */
  readonly within: number;
  text(keys: Keys): string;
}

const SOON = 10_000;
/** A connection on which nothing happens. */
const IDLE = 70_000;

interface Request {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** A handshake that is right but for what is said. null: without that header. */
function handshake({ method = 'GET', path = '/v1/device', headers = {} }: Request): string {
  const all: Record<string, string | null> = {
    Host: 'broker',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : `${name}: ${value}`));
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

function refused(name: string, status: number, code: string, text: (keys: Keys) => string): RequestCase {
  return { name, statuses: [status], code, within: SOON, text };
}

export const REQUESTS: readonly RequestCase[] = [
  refused('no key', 401, 'unauthorized', () => handshake({})),
  refused('a key that nobody made', 401, 'unauthorized', () =>
    handshake({ headers: { 'X-API-Key': `sbx_${'A'.repeat(8)}_${'B'.repeat(43)}` } }),
  ),
  refused('a key in the URL', 400, 'key-in-url', ({ own }) => handshake({ path: `/v1/device?key=${own}` })),
  refused('a fleet key and no device', 400, 'device-missing', ({ fleet }) =>
    handshake({ headers: { Authorization: `Bearer ${fleet}` } }),
  ),
  refused('a name that is none', 400, 'device-id-invalid', ({ fleet }) =>
    handshake({ path: '/v1/device?device=a%20b', headers: { Authorization: `Bearer ${fleet}` } }),
  ),
  refused("another device's name", 403, 'device-mismatch', ({ own }) =>
    handshake({ path: '/v1/device?device=other', headers: { 'X-API-Key': own } }),
  ),
  refused('a key of a person', 403, 'forbidden', ({ viewer }) =>
    handshake({ headers: { 'X-API-Key': viewer } }),
  ),
  refused('another path', 404, 'not-found', ({ own }) =>
    handshake({ path: '/v1/devices', headers: { 'X-API-Key': own } }),
  ),
  refused('an old version of WebSocket', 426, 'upgrade-required', ({ own }) =>
    handshake({ headers: { 'X-API-Key': own, 'Sec-WebSocket-Version': '8' } }),
  ),
  refused('another method', 400, 'bad-request', ({ own }) =>
    handshake({ method: 'POST', headers: { 'X-API-Key': own } }),
  ),
  refused('a nonce that is none', 400, 'bad-request', ({ own }) =>
    handshake({ headers: { 'X-API-Key': own, 'Sec-WebSocket-Key': 'short' } }),
  ),
  refused('another subprotocol', 400, 'bad-subprotocol', ({ own }) =>
    handshake({ headers: { 'X-API-Key': own, 'Sec-WebSocket-Protocol': 'mqtt' } }),
  ),
  {
    name: 'two requests at once',
    statuses: [404, 404],
    code: null,
    within: IDLE,
    text: () => 'GET /a HTTP/1.1\r\nHost: broker\r\n\r\nGET /b HTTP/1.1\r\nHost: broker\r\n\r\n',
  },
  {
    name: 'half a handshake',
    statuses: [],
    code: null,
    within: IDLE,
    text: ({ own }) => handshake({ headers: { 'X-API-Key': own } }).slice(0, 100),
  },
  { name: 'not a word', statuses: [], code: null, within: IDLE, text: () => '' },
  { name: 'no HTTP', statuses: [400], code: null, within: SOON, text: () => 'EHLO broker\r\n\r\n' },
];
