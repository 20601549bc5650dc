/**
 * Owns the counter that numbers every change that a viewer can see. It starts at the clock, 1,024 numbers to the
 * millisecond, so that it also rises over restarts, and stays below 2^53 until the year 2248.
 */
const PER_MILLISECOND = 1024;

export class Revisions {
  private last: number;

  constructor(now: number) {
    this.last = now * PER_MILLISECOND;
  }

  get current(): number {
    return this.last;
  }

  next(): number {
    this.last += 1;
    return this.last;
  }
}
