/** What the HTTP API asks of the other rooms: narrow interfaces, which `broker.ts` fills and tests fake. */
import type { Stats } from '../../schemas/api.ts';
import type { Config } from '../../schemas/config.ts';
import type { Device } from '../hub/device.ts';
import type { KeyRow, Role } from '../store/ports.ts';
import type { Clock, Log } from '../wire/environment.ts';

export interface FleetView {
  customers(): Iterable<string>;
  find(customer: string, device: string): Device | null;
  /** Of every customer for `*`. */
  devices(customer: string): Iterable<Device>;
}

export interface KeyWish {
  readonly customer: string;
  readonly device: string | null;
  readonly role: Role;
  readonly label: string | null;
  readonly expiresAt: number | null;
}

/** A key as stored, and its text, which is told once. */
export interface NewKey {
  readonly row: KeyRow;
  readonly key: string;
}

export interface KeyRing {
  /** null for a key that is unknown, malformed, expired or revoked. */
  authenticate(text: string): KeyRow | null;
  /** A valid key by its id. */
  find(id: string): KeyRow | null;
  /** Valid keys of a customer, of every one for `*`. */
  list(customer: string): readonly KeyRow[];
  create(wish: KeyWish): Promise<NewKey>;
  /** A new key in the place of `id`, which ends `overlapMs` from now. */
  rotate(id: string, overlapMs: number): Promise<NewKey>;
  /** Whether there was one to revoke. */
  revoke(id: string): Promise<boolean>;
  customers(): Iterable<string>;
}

export interface BrowserSessions {
  create(row: KeyRow): Promise<{ readonly cookie: string; readonly expiresAt: number }>;
  find(cookie: string): KeyRow | null;
  end(cookie: string): Promise<void>;
  /** null if it is unknown, used or too old. */
  redeemLoginToken(token: string): KeyRow | null;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not, for the person who looks. */
  readonly reason?: string;
}

export interface AdminParts {
  readonly fleet: FleetView;
  readonly keys: KeyRing;
  readonly browserSessions: BrowserSessions;
  readonly stats: () => Stats;
  readonly readiness: () => Readiness;
  /** Ends the device's connection and removes it; whether it was known. */
  readonly forget: (customer: string, device: string) => Promise<boolean>;
  readonly config: Pick<Config, 'server'>;
  readonly clock: Clock;
  readonly logger: Log;
  /** The built dashboard; null: none is served. */
  readonly dashboardFolder: string | null;
}
