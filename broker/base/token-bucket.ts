/** A token bucket (P-7.2): it fills at `perSecond`, up to `burst`. Owns its level. */

/** The most that `credit` keeps above the burst, ms. */
const MOST_CREDIT = 120_000;

export class TokenBucket {
  private perSecond: number;
  private readonly burst: number;
  private level: number;
  private filledAt: number;

  /** `perSecond` 0: no limit. `burst`: a second's worth unless it is given. `now` here and below: monotonic ms. */
  constructor(perSecond: number, now: number, burst: number = perSecond) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.level = burst;
    this.filledAt = now;
  }

  /**
   * Takes `amount` in any case, for what was read must be taken in. Returns how many milliseconds to stop reading, until
   * the bucket is out of debt; 0: none.
   */
  take(amount: number, now: number): number {
    if (this.perSecond === 0) return 0;
    this.fill(now);
    this.level -= amount;
    return this.level >= 0 ? 0 : this.wait(-this.level);
  }

  /** Takes `amount` if it is there and returns 0; otherwise takes nothing and returns in how many milliseconds it will be. */
  tryTake(amount: number, now: number): number {
    if (this.perSecond === 0) return 0;
    this.fill(now);
    if (this.level < amount) return this.wait(amount - this.level);
    this.level -= amount;
    return 0;
  }

  /**
   * Adds what so much time is worth, above the burst too: for what was sent over that time and is read at once. However often it
   * is called, no more than two minutes' worth is kept.
   */
  credit(milliseconds: number): void {
    const credited = this.level + (milliseconds * this.perSecond) / 1000;
    const most = this.burst + (MOST_CREDIT * this.perSecond) / 1000;
    this.level = Math.max(this.level, Math.min(credited, most));
  }

  /** From now on there is no limit. */
  lift(): void {
    this.perSecond = 0;
  }

  private fill(now: number): void {
    // A clock that was set back must not take what is there.
    const elapsed = Math.max(0, now - this.filledAt);
    const filled = this.level + (elapsed * this.perSecond) / 1000;
    this.level = Math.max(this.level, Math.min(this.burst, filled));
    this.filledAt = now;
  }

  private wait(missing: number): number {
    return Math.ceil((missing * 1000) / this.perSecond);
  }
}
