/**
 * How fast a job goes: so many commands a second, spread evenly. Time that passed unused is gone, or a job that waited
 * for its canary would go on with a flood. Owns when the next one may go, and the timer that waits for it.
 */
import type { Clock, Timer } from '../../wire/environment.ts';

/** How much a process that was busy may catch up; ms. */
const LEEWAY = 100;
/** Longer waits are done in parts: timers take 31 bits of ms. */
const LONGEST = 3_600_000;

export class Pace {
  private readonly clock: Clock;
  /** ms from one to the next. */
  private readonly distance: number;
  /** Monotonic ms. */
  private nextAt = Number.NEGATIVE_INFINITY;
  private timer: Timer | null = null;

  /** `rate`: a second; null: as fast as they go. */
  constructor(rate: number | null, clock: Clock) {
    this.clock = clock;
    this.distance = rate === null ? 0 : 1000 / rate;
  }

  /** Whether the next one may go now; if so, it counts. */
  take(): boolean {
    const now = this.clock.monotonic();
    if (this.nextAt > now) return false;
    this.nextAt = Math.max(this.nextAt, now - LEEWAY) + this.distance;
    return true;
  }

  /** None goes for so long; ms. */
  hold(milliseconds: number): void {
    this.nextAt = Math.max(this.nextAt, this.clock.monotonic() + milliseconds);
  }

  /** Calls back when it is worth another try; one call at a time. */
  wait(again: () => void): void {
    const milliseconds = Math.min(LONGEST, Math.max(0, this.nextAt - this.clock.monotonic()));
    this.timer ??= this.clock.after(milliseconds, () => {
      this.timer = null;
      again();
    });
  }

  /** Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
