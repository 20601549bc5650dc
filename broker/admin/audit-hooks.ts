/**
 * Writes to the audit what requests do. A route says before its checks what a request is about to do (`attempt`); then
 * the route says what was done, and the error handler what was refused. Owns the attempts of requests on their way, and
 * the count of refusals that were left out.
 */
import type { FastifyRequest } from 'fastify';
import type { Problem } from '../../schemas/problems.ts';
import type { Caller } from '../access/caller.ts';
import { FailedAttempts } from '../access/failed-attempts.ts';
import type { Clock } from '../base/clock.ts';
import type { Audit, AuditAction } from '../hub/audit/audit.ts';
import type { Access } from './access.ts';

/** How the audit names what a request is about, before any check: nothing in it is sure but the path. */
type AuditTarget = (request: FastifyRequest, caller: Caller) => string;

interface Attempt {
  readonly action: AuditAction;
  readonly target: AuditTarget;
}

/** What a route knows when it is done. */
export interface Done {
  /** Whose operators may read the entry; `*`: admins only. */
  readonly customer: string;
  /** Given where the attempt could not name it yet. */
  readonly target?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  /** Default `done`; null: `reference` settles it. */
  readonly outcome?: string | null;
  readonly reference?: string;
}

export class AuditHooks {
  private readonly audit: Pick<Audit, 'add'>;
  private readonly access: Access;
  private readonly attempts = new WeakMap<FastifyRequest, Attempt>();
  /** By key: whoever is refused without end must not fill the disk with it. */
  private readonly refusals: FailedAttempts;
  private readonly leftOut = new Map<string, number>();

  constructor(parts: { readonly audit: Pick<Audit, 'add'>; readonly clock: Clock }, access: Access) {
    this.audit = parts.audit;
    this.access = access;
    this.refusals = new FailedAttempts(parts.clock);
  }

  /** Makes a hook, which goes before the one that checks rights. */
  attempt(action: AuditAction, target: AuditTarget): (request: FastifyRequest) => Promise<void> {
    return async (request) => void this.attempts.set(request, { action, target });
  }

  done(request: FastifyRequest, { customer, target, detail, outcome = 'done', reference }: Done): void {
    const attempt = this.attempts.get(request);
    if (!attempt) throw new Error('A route writes to the audit and has no hook that says what it does.');
    const caller = this.access.caller(request);
    this.audit.add({
      by: caller.keyId,
      customer,
      action: attempt.action,
      target: target ?? attempt.target(request, caller),
      outcome,
      ...(detail && { detail }),
      ...(reference !== undefined && { reference }),
    });
  }

  /** Writes a refusal, if a route has announced the attempt and a valid key made it. */
  refused(request: FastifyRequest, problem: Problem): void {
    const attempt = this.attempts.get(request);
    const caller = this.access.known(request);
    if (!attempt || !caller) return;
    const leftOut = this.leftOut.get(caller.keyId) ?? 0;
    if (this.refusals.add(caller.keyId) !== null) {
      this.leftOut.set(caller.keyId, leftOut + 1);
      return;
    }
    this.leftOut.delete(caller.keyId);
    this.audit.add({
      by: caller.keyId,
      customer: caller.customer,
      action: attempt.action,
      target: attempt.target(request, caller),
      outcome: outcomeOf(problem),
      ...(leftOut > 0 && { detail: { leftOut } }),
    });
  }
}

function outcomeOf({ code, status, detail }: Problem): string {
  if (status >= 500) return `failed: ${detail}`;
  return code === 'not-found' ? 'refused: not found' : `refused: ${detail}`;
}

/** `acme/pump-7`, for routes of one device. */
export function deviceTarget({ params }: FastifyRequest): string {
  const { customer, device } = params as { readonly customer: string; readonly device: string };
  return `${customer}/${device}`;
}

/** `key 1a2b3c4d`, for routes whose path ends in an id. */
export function idTarget(what: string): AuditTarget {
  return ({ params }) => `${what} ${(params as { readonly id: string }).id}`;
}

/** `acme/+`: the whole of the customer that a body names, before anybody has checked it. */
export function customerTarget(named: (body: unknown) => unknown): AuditTarget {
  return ({ body }, caller) => {
    const customer = named(body);
    return `${typeof customer === 'string' ? customer.slice(0, 64) : caller.customer}/+`;
  };
}
