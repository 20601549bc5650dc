/**
 * What every route works with: what the HTTP API asks of the other rooms (`AdminParts`: narrow interfaces, which `compose.ts`
 * fills and tests fake), refusals and how they are sent, the headers of every answer, and the device that a path names.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerDefault,
} from 'fastify';
import type { Stats } from '../../schemas/api.ts';
import type { Config } from '../../schemas/config.ts';
import { type Problem, type ProblemCode, problem } from '../../schemas/problems.ts';
import type { BrowserSessions } from '../access/browser-sessions.ts';
import { type Caller, sees } from '../access/caller.ts';
import type { FailedAttempts } from '../access/failed-attempts.ts';
import type { KeyService } from '../access/key-service.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Audit } from '../hub/audit/audit.ts';
import type { CommandService } from '../hub/commands/commands.ts';
import type { DesiredStates } from '../hub/desired/desired-states.ts';
import type { Device } from '../hub/fleet/device.ts';
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

/** An answer that is a problem (RFC 9457): thrown by whoever finds out, sent in one place (`errors.ts`). */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly problem: Problem;

  /** `detail`: one sentence that says what it was and what to do. */
  constructor(code: ProblemCode, detail: string, extra: { readonly retryAfter?: number } = {}) {
    super(detail);
    this.problem = problem(code, detail, extra);
  }
}

/** `throw ofProblem(…)`: a problem that another room has put into words. */
export function ofProblem({ code, detail, retryAfter }: Problem): Refusal {
  return new Refusal(code, detail, retryAfter === undefined ? {} : { retryAfter });
}

/** Others' things and things that are not there look the same. */
export function notFound(what: string): Refusal {
  return new Refusal('not-found', `There is no ${what} that this key may see.`);
}

export function sendProblem(reply: FastifyReply, body: Problem): FastifyReply {
  if (body.status === 401) reply.header('www-authenticate', 'Bearer realm="signalbox"');
  if (body.retryAfter !== undefined) reply.header('retry-after', body.retryAfter);
  // As bytes: to a text fastify would add a charset, which JSON types do not have.
  return reply
    .code(body.status)
    .type('application/problem+json')
    .send(Buffer.from(JSON.stringify(body)));
}

/** Answers that are data load nothing at all. */
const DATA = "default-src 'none'; frame-ancestors 'none'";

/** `'self'` covers the live channel: it is of the same origin. Styles are set by scripts on elements (charts). */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** The API's readable page writes styles into its markup. */
export const DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

/** What browsers are told about every answer: load nothing from elsewhere, frame nothing, guess nothing. */
export async function securityHeaders(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    'content-security-policy': DATA,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
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

export type FleetView = Pick<Fleet, 'customers' | 'find' | 'devices'>;

export type { IssuedKey, KeyRequest } from '../access/key-service.ts';

export type AdminKeys = Pick<
  KeyService,
  'authenticate' | 'find' | 'list' | 'create' | 'rotate' | 'revoke'
> & {
  customers(): Iterable<string>;
};

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
  readonly logger: Logger;
  /** The built dashboard; null: none is served. */
  readonly dashboardFolder: string | null;
}
