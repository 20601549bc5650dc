/**
 * Slows down whoever keeps presenting keys that are not valid: a bucket of failures for each address, which refills
 * over time. Valid keys are never held up, so nobody can lock out a neighbour. Owns the buckets, the most recent ones.
 */
import type { Clock } from '../wire/environment.ts';

/** Failures in a row before an address is told to wait. */
export const BURST = 20;
const PER_SECOND = 0.5;
const ADDRESSES = 4096;

interface Bucket {
  readonly left: number;
  readonly at: number;
}

export class FailedAttempts {
  private readonly clock: Clock;
  private readonly buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Counts a failure; returns the seconds to wait if there were too many, else null. */
  add(address: string): number | null {
    const at = this.clock.now();
    const left = this.left(address, at);
    const full = left < 1;
    this.buckets.delete(address);
    this.buckets.set(address, { left: full ? left : left - 1, at });
    if (this.buckets.size > ADDRESSES) this.buckets.delete(this.buckets.keys().next().value as string);
    return full ? Math.ceil((1 - left) / PER_SECOND) : null;
  }

  private left(address: string, at: number): number {
    const bucket = this.buckets.get(address);
    if (!bucket) return BURST;
    return Math.min(BURST, bucket.left + (Math.max(0, at - bucket.at) * PER_SECOND) / 1000);
  }
}
