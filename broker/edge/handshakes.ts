/**
 * Handshakes a second: a bucket that customers share as they do places (`shares.ts`). What a customer took lately counts as held and
 * is forgotten at its part of the rate, so one that tries without end leaves others theirs, and two that do get the same. Owns the
 * bucket and who took of it.
 */
import type { Clock } from '../base/clock.ts';

export interface HandshakeLimits {
  readonly handshakesPerSecond: number;
  readonly sharePercent: number;
}

export class Handshakes {
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
  take(customer: string): boolean {
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
