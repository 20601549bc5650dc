/** How long to wait before the next try, when tries fail. Owns the count of tries. */
import type { Random } from './clock.ts';

export interface BackoffOptions {
  /** The ceiling of the first pause, which doubles with each that follows; ms. */
  readonly first: number;
  /** No ceiling is higher; ms. */
  readonly most: number;
  /** A pause is spread evenly from here to its ceiling, so that many who failed at once come back spread; ms. */
  readonly least: (ceiling: number) => number;
  readonly random: Random;
}

/** Doublings after which any ceiling is at its highest; a number can hold no more than about a thousand of them. */
const MOST_DOUBLINGS = 30;

export class Backoff {
  private readonly options: BackoffOptions;
  private tries = 0;

  constructor(options: BackoffOptions) {
    this.options = options;
  }

  /** Milliseconds. */
  next(): number {
    const { first, most, least } = this.options;
    const ceiling = Math.min(most, first * 2 ** Math.min(this.tries, MOST_DOUBLINGS));
    this.tries += 1;
    return this.between(least(ceiling), ceiling);
  }

  /** A pause of its own, evenly spread, for what a quick retry would make worse; it counts as no try. */
  between(least: number, most: number): number {
    return Math.round(least + this.options.random() * (most - least));
  }

  /** After a try that was good. */
  reset(): void {
    this.tries = 0;
  }
}
