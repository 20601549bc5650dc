/** What the HTTP API asks of the other rooms: narrow interfaces, which `broker.ts` fills and tests fake. */
import type { Stats } from '../../schemas/api.ts';
import type { Config } from '../../schemas/config.ts';
import type { Problem } from '../../schemas/problems.ts';
import type { BrowserSessions as Sessions } from '../access/browser-sessions.ts';
import type { FailedAttempts } from '../access/failed-attempts.ts';
import type { KeyRing as Keys } from '../access/key-ring.ts';
import type { AuditDesk } from '../hub/audit/entry.ts';
import type { CommandDesk } from '../hub/commands/command.ts';
import type { DesiredDesk } from '../hub/desired/document.ts';
import type { Device } from '../hub/fleet/device.ts';
import type { DeviceRegistry } from '../hub/fleet/device-registry.ts';
import type { JobDesk } from '../hub/jobs/job.ts';
import type { Clock, Log } from '../wire/environment.ts';

export interface FleetView {
  customers(): Iterable<string>;
  find(customer: string, device: string): Device | null;
  /** Of every customer for `*`. */
  devices(customer: string): Iterable<Device>;
}

export type { KeyWish, NewKey } from '../access/key-ring.ts';

export type KeyRing = Pick<Keys, 'authenticate' | 'find' | 'list' | 'create' | 'rotate' | 'revoke'> & {
  customers(): Iterable<string>;
};

export type BrowserSessions = Pick<Sessions, 'create' | 'find' | 'end' | 'redeemLoginToken'>;

export interface Readiness {
  readonly ready: boolean;
  /** Why not, or what works less well; for the person who looks. */
  readonly reason?: string;
}

export interface AdminParts {
  readonly fleet: FleetView;
  readonly registry: Pick<DeviceRegistry, 'put' | 'ensure'>;
  readonly keys: KeyRing;
  readonly browserSessions: BrowserSessions;
  readonly commands: CommandDesk;
  readonly jobs: JobDesk;
  readonly desired: DesiredDesk;
  readonly audit: AuditDesk;
  /** Of wrong keys; shared with the WebSocket addresses. */
  readonly failures: Pick<FailedAttempts, 'add'>;
  readonly stats: () => Stats;
  readonly readiness: () => Readiness;
  /** Why nothing can be changed now; null: it can. */
  readonly unwritable: () => Problem | null;
  /** Ends the device's connection and removes it; whether it was known. */
  readonly forget: (customer: string, device: string) => Promise<boolean>;
  readonly config: Pick<Config, 'server'>;
  readonly clock: Clock;
  readonly logger: Log;
  /** The built dashboard; null: none is served. */
  readonly dashboardFolder: string | null;
}
