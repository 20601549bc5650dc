/**
 * Slows down whoever keeps presenting keys that are not valid, over HTTP or WebSocket: a bucket of failures for each
 * name (an address, or a key), which refills over time. Valid keys are never held up, so nobody can lock out a
 * neighbour. Owns the buckets, the most recent ones.
 */
import type { Clock } from '../base/clock.ts';
import { networkOf } from './address.ts';

/** Failures in a row before an address is told to wait. */
export const BURST = 20;
const PER_SECOND = 0.5;
const ADDRESSES = 4096;

interface Bucket {
  readonly left: number;
  readonly at: number;
}

export class FailedAttempts {
  private readonly clock: Pick<Clock, 'monotonic'>;
  private readonly buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.clock = clock;
  }

  /** Counts a failure; returns the seconds to wait if there were too many, else null. */
  add(address: string): number | null {
    const name = networkOf(address);
    const at = this.clock.monotonic();
    const left = this.left(name, at);
    const full = left < 1;
    this.buckets.delete(name);
    this.buckets.set(name, { left: full ? left : left - 1, at });
    if (this.buckets.size > ADDRESSES) this.buckets.delete(this.buckets.keys().next().value as string);
    return full ? Math.ceil((1 - left) / PER_SECOND) : null;
  }

  private left(name: string, at: number): number {
    const bucket = this.buckets.get(name);
    if (!bucket) return BURST;
    return Math.min(BURST, bucket.left + ((at - bucket.at) * PER_SECOND) / 1000);
  }
}
