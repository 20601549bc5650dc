/** What a device asks for when it connects, checked step by step before the upgrade (P-1.1 to P-1.5). */
import type { IncomingMessage } from 'node:http';
import { type Problem, problem } from '../../schemas/problems.ts';
import { presentedKey } from '../access/credentials.ts';
import { ID_PATTERN } from '../hub/fleet/topics.ts';
import type { KeyRow } from '../store/ports.ts';

export const SUBPROTOCOL = 'signalbox.v1';

export interface DeviceRequest {
  readonly key: KeyRow;
  readonly device: string;
}

export interface RequestRules {
  readonly keyInUrl: boolean;
  authenticate(key: string): KeyRow | null;
}

/** The identity that the request proves, or the problem to answer with. */
export function readDeviceRequest(request: IncomingMessage, rules: RequestRules): DeviceRequest | Problem {
  const query = new URL(request.url ?? '/', 'http://broker').searchParams;
  const early = checkHandshake(request) ?? checkSubprotocol(request) ?? checkKeyPlace(query, rules);
  if (early) return early;
  // Without a key it fails like with any other wrong one.
  const key = rules.authenticate(presentedKey(request.headers) ?? query.get('key') ?? '');
  if (!key) {
    return problem(
      'unauthorized',
      'The key is unknown, malformed, expired or revoked; send a valid one in Authorization: Bearer.',
    );
  }
  if (key.role !== 'device') {
    return problem(
      'forbidden',
      `A key with the role ${key.role} cannot connect a device; create one with the role device.`,
    );
  }
  return nameDevice(key, query.get('device'));
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

/** P-1.1: offering others without ours is refused; offering none is accepted. */
function checkSubprotocol(request: IncomingMessage): Problem | null {
  const offered = request.headers['sec-websocket-protocol'];
  if (offered === undefined) return null;
  if (offered.split(',').some((name) => name.trim() === SUBPROTOCOL)) return null;
  return problem('bad-subprotocol', `Offer the subprotocol ${SUBPROTOCOL}, or none.`);
}

/** P-1.2: in the URL the key would reach access logs. */
function checkKeyPlace(query: URLSearchParams, rules: RequestRules): Problem | null {
  if (!query.has('key') || rules.keyInUrl) return null;
  return problem(
    'key-in-url',
    'Send the key in the header Authorization: Bearer <key> or X-API-Key, not as ?key=; URLs reach access logs.',
  );
}

/** P-1.3: a device's own key names it; with a fleet key it names itself. */
function nameDevice(key: KeyRow, named: string | null): DeviceRequest | Problem {
  if (named !== null && !ID_PATTERN.test(named)) {
    return problem('device-id-invalid', 'A device id matches ^[A-Za-z0-9_-]{1,64}$.');
  }
  if (key.device === null) {
    if (named === null)
      return problem('device-missing', 'This is a fleet key: name the device with ?device=<id>.');
    return { key, device: named };
  }
  if (named !== null && named !== key.device) {
    return problem('device-mismatch', `This key belongs to the device ${key.device}.`);
  }
  return { key, device: key.device };
}
