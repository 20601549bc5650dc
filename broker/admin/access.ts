/**
 * Decides who may do what over HTTP (docs/keys.md): hooks that routes put before their handler, and the search for the
 * device that a path names, if the caller may see it. A key comes in a header, or the browser's cookie stands for one;
 * a request with a cookie that changes something must come from our own page. Owns who asked, by request.
 */
import type { FastifyRequest } from 'fastify';
import type { Right } from '../../schemas/roles.ts';
import { type Caller, callerOf, refusalOf, sees } from '../access/caller.ts';
import { presentedKey, SESSION_COOKIE } from '../access/credentials.ts';
import { originAllowed } from '../access/origin.ts';
import type { Device } from '../hub/fleet/device.ts';
import type { KeyRow } from '../store/ports.ts';
import type { AdminParts, FleetView } from './parts.ts';
import { notFound, Refusal } from './refusal.ts';

type Hook = (request: FastifyRequest) => Promise<void>;

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

const MISSING = 'Send a key in Authorization: Bearer, in X-API-Key, or log in.';
const INVALID = 'The key is unknown, malformed, expired or revoked; send a valid one.';

export class Access {
  private readonly parts: AdminParts;
  private readonly callers = new WeakMap<FastifyRequest, Caller>();

  constructor(parts: AdminParts) {
    this.parts = parts;
  }

  /** A hook: lets keys pass whose role has the right. */
  allow(right: Right): Hook {
    return async (request) => {
      const row = this.identify(request);
      this.callers.set(request, callerOf(row));
      const refusal = refusalOf(row.role, right);
      if (refusal !== null) throw new Refusal('forbidden', refusal);
    };
  }

  /** Who asks; only after one of the hooks. */
  caller(request: FastifyRequest): Caller {
    const caller = this.callers.get(request);
    if (!caller) throw new Error('A route asks for its caller and has no hook that finds out.');
    return caller;
  }

  /** Who asks, whether it may or not; null: nobody has shown a valid key (yet). */
  known(request: FastifyRequest): Caller | null {
    return this.callers.get(request) ?? null;
  }

  /** Trades a key's text or another proof for its row; a failure counts against the address. */
  prove(request: FastifyRequest, row: KeyRow | null, invalid = INVALID): KeyRow {
    if (row) return row;
    const retryAfter = this.parts.failures.add(request.ip);
    if (retryAfter === null) throw new Refusal('unauthorized', invalid);
    throw new Refusal('too-many-requests', `Too many invalid keys; wait ${retryAfter} s.`, { retryAfter });
  }

  /** Refuses a page of another origin. Programs that are no browsers send neither header. */
  checkOrigin(request: FastifyRequest): void {
    const { origin } = request.headers;
    if (origin === undefined && request.headers['sec-fetch-site'] === 'same-origin') return;
    const { protocol, host } = request;
    const { allowedOrigins } = this.parts.config.server;
    if (originAllowed({ origin, host, protocol, allowedOrigins })) return;
    throw new Refusal('origin-refused', 'Use the own page, or add its origin to server.allowedOrigins.');
  }

  private identify(request: FastifyRequest): KeyRow {
    const text = presentedKey(request.headers);
    if (text !== null) return this.prove(request, this.parts.keys.authenticate(text));
    const cookie = request.cookies[SESSION_COOKIE];
    if (cookie === undefined) throw new Refusal('unauthorized', MISSING);
    const row = this.parts.browserSessions.find(cookie);
    if (!row) throw new Refusal('unauthorized', 'The login has ended; log in again.');
    if (!READING.has(request.method)) this.checkOrigin(request);
    return row;
  }
}

export interface DeviceParams {
  readonly customer: string;
  readonly device: string;
}

/** The device that a path names. Throws the refusal that others' devices and unknown ones share. */
export function findDevice(fleet: FleetView, caller: Caller, { customer, device }: DeviceParams): Device {
  const found = sees(caller, customer) ? fleet.find(customer, device) : null;
  if (!found) throw notFound('device');
  return found;
}
