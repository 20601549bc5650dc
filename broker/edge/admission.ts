/**
 * How many connections there may be (P-1.5): in all, of one customer, from one address, and handshakes a second.
 * Owns the counts. Each refusal names its limit and when to try again.
 */
import { type Problem, problem } from '../../schemas/problems.ts';
import type { Clock } from '../wire/environment.ts';

export interface AdmissionLimits {
  readonly connections: number;
  readonly connectionsPerCustomer: number;
  readonly connectionsPerAddress: number;
  readonly handshakesPerSecond: number;
}

export interface Applicant {
  readonly customer: string;
  readonly address: string;
}

/** Seconds until another try has a chance; connections end at no foreseeable time. */
const RETRY_CONNECTIONS = 30;
const RETRY_HANDSHAKE = 1;

export class Admission {
  private readonly limits: AdmissionLimits;
  private readonly clock: Clock;
  private total = 0;
  private readonly ofCustomer = new Map<string, number>();
  private readonly fromAddress = new Map<string, number>();
  private handshakes: number;
  private filledAt: number;

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
    this.handshakes = limits.handshakesPerSecond * 2;
    this.filledAt = clock.now();
  }

  get connections(): number {
    return this.total;
  }

  /**
   * Counts the applicant in and returns null, or returns why not. `replacing`: how many of its connections end by it
   * (0 or 1), which make room.
   */
  admit({ customer, address }: Applicant, replacing: number): Problem | null {
    const { limits } = this;
    if (!this.takeHandshake())
      return refusal('too-many-handshakes', 'handshakesPerSecond', limits, RETRY_HANDSHAKE);
    if (this.total - replacing >= limits.connections) {
      return refusal('too-many-connections', 'connections', limits, RETRY_CONNECTIONS);
    }
    if ((this.ofCustomer.get(customer) ?? 0) - replacing >= limits.connectionsPerCustomer) {
      return refusal('too-many-of-customer', 'connectionsPerCustomer', limits, RETRY_CONNECTIONS);
    }
    if ((this.fromAddress.get(address) ?? 0) - replacing >= limits.connectionsPerAddress) {
      return refusal('too-many-from-address', 'connectionsPerAddress', limits, RETRY_CONNECTIONS);
    }
    this.add(customer, address, 1);
    return null;
  }

  /** Once for each applicant that was admitted. */
  release({ customer, address }: Applicant): void {
    this.add(customer, address, -1);
  }

  private add(customer: string, address: string, by: number): void {
    this.total += by;
    bump(this.ofCustomer, customer, by);
    bump(this.fromAddress, address, by);
  }

  private takeHandshake(): boolean {
    const rate = this.limits.handshakesPerSecond;
    const now = this.clock.now();
    this.handshakes = Math.min(rate * 2, this.handshakes + (Math.max(0, now - this.filledAt) * rate) / 1000);
    this.filledAt = now;
    if (this.handshakes < 1) return false;
    this.handshakes -= 1;
    return true;
  }
}

function bump(counts: Map<string, number>, name: string, by: number): void {
  const count = (counts.get(name) ?? 0) + by;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}

function refusal(
  code: 'too-many-handshakes' | 'too-many-connections' | 'too-many-of-customer' | 'too-many-from-address',
  limit: keyof AdmissionLimits,
  limits: AdmissionLimits,
  retryAfter: number,
): Problem {
  const detail = `The limit limits.${limit} of ${limits[limit]} is reached; try again in ${retryAfter} s, or ask the operator to raise it.`;
  return problem(code, detail, { limit: `limits.${limit}`, retryAfter });
}
