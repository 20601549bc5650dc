/**
 * Counts failures, so that whoever goes on failing is told to wait: wrong keys, by address, over HTTP and WebSocket;
 * and refused requests, by key, before they fill the audit. Each name has a bucket of failures that refills over time.
 * Valid keys are never held up, so nobody can lock out a neighbour. Owns the buckets, the most recent ones.
 */
import type { Clock } from '../base/clock.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { networkOf } from './address.ts';

/** Failures in a row before an address is told to wait. */
export const BURST = 20;
const PER_SECOND = 0.5;
const ADDRESSES = 4096;

export class FailedAttempts {
  private readonly clock: Pick<Clock, 'monotonic'>;
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.clock = clock;
  }

  /** Counts a failure; returns the seconds to wait if there were too many, else null. */
  add(address: string): number | null {
    const name = networkOf(address);
    const now = this.clock.monotonic();
    const bucket = this.buckets.get(name) ?? new TokenBucket(PER_SECOND, now, BURST);
    const wait = bucket.tryTake(1, now);
    this.buckets.delete(name);
    this.buckets.set(name, bucket);
    if (this.buckets.size > ADDRESSES) this.buckets.delete(this.buckets.keys().next().value as string);
    return wait === 0 ? null : Math.ceil(wait / 1000);
  }
}
