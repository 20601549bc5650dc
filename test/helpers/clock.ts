/**
 * A clock that stands still until the test moves it. Timers run inside `advance`, in the order in which they are due;
 * `setWall` steps the wall time alone, as when somebody sets the machine's clock.
 */
import type { Clock, Timer } from '../../broker/base/clock.ts';

interface Due {
  at: number;
  readonly interval: number | null;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  /** Monotonic milliseconds; far from the wall time, so that whoever takes one for the other is found out. */
  private time = 1_000_000;
  /** Wall time is this much more. */
  private wallOffset: number;
  private readonly timers = new Set<Due>();

  /** Unix milliseconds; the default is an ordinary day in 2026. */
  constructor(start = 1_780_000_000_000) {
    this.wallOffset = start - this.time;
  }

  now(): number {
    return this.time + this.wallOffset;
  }

  monotonic(): number {
    return this.time;
  }

  /** Sets the wall clock to a Unix time, ahead or back; no timer becomes due by it. */
  setWall(milliseconds: number): void {
    this.wallOffset = milliseconds - this.time;
  }

  after(milliseconds: number, run: () => void): Timer {
    return this.add({ at: this.time + milliseconds, interval: null, run });
  }

  every(milliseconds: number, run: () => void): Timer {
    if (!(milliseconds > 0)) throw new RangeError(`an interval of ${milliseconds} ms would never end`);
    return this.add({ at: this.time + milliseconds, interval: milliseconds, run });
  }

  /** As it is: the loop goes on while time stands still. */
  soon(run: () => void): Timer {
    const immediate = setImmediate(run);
    return { cancel: () => clearImmediate(immediate) };
  }

  /** How many timers wait: a part that was stopped leaves none. */
  get pending(): number {
    return this.timers.size;
  }

  /** The process is stopped for a while, or its machine is: time passes, and no timer runs until the next `advance`. */
  freeze(milliseconds: number): void {
    this.time += milliseconds;
  }

  /** Moves on, running what falls due on the way with `now()` at its due time. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (let next = this.nextDue(end); next; next = this.nextDue(end)) {
      this.time = Math.max(this.time, next.at);
      if (next.interval === null) this.timers.delete(next);
      // As Node: one that is late comes once, and then a period after that.
      else next.at = this.time + next.interval;
      next.run();
    }
    this.time = end;
  }

  private add(due: Due): Timer {
    this.timers.add(due);
    return { cancel: () => void this.timers.delete(due) };
  }

  private nextDue(end: number): Due | null {
    let first: Due | null = null;
    for (const timer of this.timers) {
      if (timer.at <= end && (first === null || timer.at < first.at)) first = timer;
    }
    return first;
  }
}
