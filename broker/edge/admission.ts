/**
 * Decides whether one more device may connect (P-1.5): by the connections in all, of its customer, of its key and from
 * its address, and by the handshakes a second. Owns the counts. Each refusal names its limit and when to try again;
 * viewers are refused in the same words (`shareRefusal`).
 */
import { type Problem, problem } from '../../schemas/problems.ts';
import type { Clock } from '../base/clock.ts';
import { type ConnectionPlan, whatToRaise } from './connection-plan.ts';
import { bump, type Full, type Holder, Shares } from './shares.ts';

interface HandshakeLimits {
  readonly handshakesPerSecond: number;
  readonly sharePercent: number;
}

/**
 * Handshakes a second: a bucket that customers share as they do places (`shares.ts`). What a customer took lately
 * counts as held and is forgotten at its part of the rate, so one that tries without end leaves others theirs, and two
 * that do get the same. Owns the bucket and who took of it.
 */
class Handshakes {
  private readonly limits: HandshakeLimits;
  private readonly clock: Pick<Clock, 'monotonic'>;
  private level: number;
  private filledAt: number;
  /** Customers that took some lately, and how many of them are not forgotten yet. */
  private readonly taken = new Map<string, number>();

  constructor(limits: HandshakeLimits, clock: Pick<Clock, 'monotonic'>) {
    this.limits = limits;
    this.clock = clock;
    this.level = limits.handshakesPerSecond * 2;
    this.filledAt = clock.monotonic();
  }

  /** Whether the customer may have one now; then it has. */
  admit(customer: string): boolean {
    this.refill();
    const { sharePercent } = this.limits;
    const taken = this.taken.get(customer) ?? 0;
    if (this.level < 1 || taken * (100 - sharePercent) >= sharePercent * this.level) return false;
    this.level -= 1;
    this.taken.set(customer, taken + 1);
    return true;
  }

  private refill(): void {
    const { handshakesPerSecond } = this.limits;
    const now = this.clock.monotonic();
    const fresh = ((now - this.filledAt) * handshakesPerSecond) / 1000;
    this.filledAt = now;
    this.level = Math.min(handshakesPerSecond * 2, this.level + fresh);
    const forgotten = fresh / Math.max(1, this.taken.size);
    for (const [customer, taken] of this.taken) {
      if (taken <= forgotten) this.taken.delete(customer);
      else this.taken.set(customer, taken - forgotten);
    }
  }
}

export interface AdmissionLimits {
  readonly connections: number;
  readonly connectionsPerCustomer: number;
  readonly connectionsPerAddress: number;
  readonly handshakesPerSecond: number;
  readonly sharePercent: number;
}

type Cut = Pick<ConnectionPlan, 'cut'>;

export interface Applicant extends Holder {
  readonly address: string;
}

/** Seconds until another try has a chance; connections end at no foreseeable time. */
const RETRY_CONNECTIONS = 30;
const RETRY_HANDSHAKE = 1;

export class Admission {
  private readonly limits: AdmissionLimits;
  private readonly plan: Cut;
  private readonly shares: Shares;
  private readonly fromAddress = new Map<string, number>();
  private readonly handshakes: Handshakes;

  constructor(limits: AdmissionLimits, plan: Cut, clock: Pick<Clock, 'monotonic'>) {
    this.limits = limits;
    this.plan = plan;
    this.shares = new Shares(limits.connections, limits.sharePercent);
    this.handshakes = new Handshakes(limits, clock);
  }

  get connections(): number {
    return this.shares.taken;
  }

  /**
   * Counts the applicant in and returns null, or returns why not. `replacing`: how many of its connections end by it
   * (0 or 1), which make room.
   */
  admit(applicant: Applicant, replacing: number): Problem | null {
    const { limits, plan, shares } = this;
    const refusal = (code: LimitCode, limit: keyof AdmissionLimits, retryAfter: number) =>
      limitRefusal(code, { limit, value: limits[limit], raise: whatToRaise(limit, plan) }, retryAfter);
    const { customer, address } = applicant;
    if (!this.handshakes.admit(customer))
      return refusal('too-many-handshakes', 'handshakesPerSecond', RETRY_HANDSHAKE);
    const full = replacing > 0 ? null : shares.full(applicant);
    if (full === 'all') return refusal('too-many-connections', 'connections', RETRY_CONNECTIONS);
    if (shares.held(customer) - replacing >= limits.connectionsPerCustomer) {
      return refusal('too-many-of-customer', 'connectionsPerCustomer', RETRY_CONNECTIONS);
    }
    if (full) {
      const { connections: value } = limits;
      const raise = whatToRaise('connections', plan);
      return shareRefusal(full, { limit: 'connections', value, raise }, RETRY_CONNECTIONS);
    }
    if ((this.fromAddress.get(address) ?? 0) - replacing >= limits.connectionsPerAddress) {
      return refusal('too-many-from-address', 'connectionsPerAddress', RETRY_CONNECTIONS);
    }
    shares.add(applicant);
    bump(this.fromAddress, address, 1);
    return null;
  }

  /** To be called once for each applicant that was admitted. */
  release(applicant: Applicant): void {
    this.shares.remove(applicant);
    bump(this.fromAddress, applicant.address, -1);
  }
}

/** A limit that was reached; `raise`: what to raise for more (`whatToRaise`). */
export interface ReachedLimit {
  readonly limit: string;
  readonly value: number;
  readonly raise: string;
}

type LimitCode =
  | 'too-many-handshakes'
  | 'too-many-connections'
  | 'too-many-of-customer'
  | 'too-many-from-address';

/** The customer or the key has its share of the limit. */
export function shareRefusal(
  full: Exclude<Full, 'all'>,
  { limit, value, raise }: ReachedLimit,
  retryAfter: number,
): Problem {
  const detail = `This ${full} has its share of the ${value} places of limits.${limit} that are left (limits.sharePercent); end some connections, or ask the operator to raise ${raise}.`;
  const code = full === 'key' ? 'too-many-of-key' : 'too-many-of-customer';
  return problem(code, detail, { limit: `limits.${limit}`, retryAfter });
}

function limitRefusal(code: LimitCode, { limit, value, raise }: ReachedLimit, retryAfter: number): Problem {
  const detail = `The limit limits.${limit} of ${value} is reached, or this customer's part of it; try again in ${retryAfter} s, or ask the operator to raise ${raise}.`;
  return problem(code, detail, { limit: `limits.${limit}`, retryAfter });
}
