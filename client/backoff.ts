/** How long to wait before the next try: exponential with full jitter between 1 s and 60 s (P-7.4). Owns the count of tries. */
import type { Random } from '../broker/base/clock.ts';

const LEAST = 1000;
const MOST = 60_000;

export class Backoff {
  private readonly random: Random;
  private tries = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /**
   * Milliseconds, evenly spread from 1 s to a ceiling that doubles with each call: 2 s, 4 s, … 60 s. So a fleet that was
   * cut off at once comes back spread, from the first try on.
   */
  next(): number {
    this.tries += 1;
    const ceiling = Math.min(MOST, LEAST * 2 ** Math.min(this.tries, 16));
    return this.between(LEAST, ceiling);
  }

  /** For what a quick retry would make worse: from `least` ms to twice of it. */
  slow(least: number): number {
    return this.between(least, 2 * least);
  }

  /** After a connection that held. */
  reset(): void {
    this.tries = 0;
  }

  private between(least: number, most: number): number {
    return Math.round(least + this.random() * (most - least));
  }
}
