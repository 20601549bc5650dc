/**
 * Declares what the HTTP API works with: the parts of the other rooms that it asks, each as the few methods that it
 * calls, which `compose.ts` hands over; and fastify with our types. Types only.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Stats } from '../../schemas/api.ts';
import type { Config } from '../../schemas/config.ts';
import type { Problem } from '../../schemas/problems.ts';
import type { BrowserSessions } from '../access/browser-sessions.ts';
import type { FailedAttempts } from '../access/failed-attempts.ts';
import type { KeyService } from '../access/key-service.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Audit } from '../hub/audit/audit.ts';
import type { CommandService } from '../hub/commands/commands.ts';
import type { DesiredStates } from '../hub/desired/desired-states.ts';
import type { DeviceRegistry } from '../hub/fleet/device-registry.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import type { JobService } from '../hub/jobs/jobs.ts';

/** The fastify instance as the routes see it: schemas are TypeBox's, and handlers get their types from them. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type FleetView = Pick<Fleet, 'customers' | 'find' | 'devices'>;

export type AdminKeys = Pick<
  KeyService,
  'authenticate' | 'find' | 'list' | 'customers' | 'create' | 'rotate' | 'revoke'
>;

export type AdminSessions = Pick<BrowserSessions, 'create' | 'find' | 'end' | 'redeemLoginToken'>;

export interface Readiness {
  readonly ready: boolean;
  /** Why not, or what works less well; for the person who looks. */
  readonly reason?: string;
}

export interface AdminParts {
  readonly fleet: FleetView;
  readonly registry: Pick<DeviceRegistry, 'put' | 'ensure'>;
  readonly keys: AdminKeys;
  readonly browserSessions: AdminSessions;
  readonly commands: Pick<
    CommandService,
    'issue' | 'cancel' | 'cancelWaiting' | 'find' | 'list' | 'waitingFor'
  >;
  readonly jobs: Pick<JobService, 'preview' | 'create' | 'find' | 'list' | 'outcomes' | 'cancel' | 'resume'>;
  readonly desired: Pick<DesiredStates, 'documents' | 'view' | 'put' | 'patch'>;
  readonly audit: Pick<Audit, 'add' | 'list'>;
  /** Counts wrong keys, here and at the WebSocket addresses. */
  readonly failures: Pick<FailedAttempts, 'add'>;
  readonly stats: () => Stats;
  readonly readiness: () => Readiness;
  /** Why nothing can be changed now; null: it can. */
  readonly unwritable: () => Problem | null;
  /** Ends the device's connection and removes it; returns whether it was known. */
  readonly forget: (customer: string, device: string) => Promise<boolean>;
  readonly config: Pick<Config, 'server'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The built dashboard; null: none is served. */
  readonly dashboardFolder: string | null;
}
