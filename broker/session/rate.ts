/**
 * A token bucket (P-7.2): `rate` a second, a second's worth at once. Owns its level. It may be overdrawn, since what
 * was read must be taken in; the debt says how long to stop reading.
 */
export class Rate {
  private perSecond: number;
  private level: number;
  private filledAt: number;

  /** `perSecond` 0: no limit. `now` here and below: monotonic ms. */
  constructor(perSecond: number, now: number) {
    this.perSecond = perSecond;
    this.level = perSecond;
    this.filledAt = now;
  }

  /** Takes `amount` and returns how many milliseconds to wait until the bucket is out of debt; 0: none. */
  take(amount: number, now: number): number {
    const { perSecond } = this;
    if (perSecond === 0) return 0;
    // A clock that was set back must not take what is there.
    const elapsed = Math.max(0, now - this.filledAt);
    this.level = Math.min(perSecond, this.level + (elapsed * perSecond) / 1000) - amount;
    this.filledAt = now;
    return this.level >= 0 ? 0 : Math.ceil((-this.level * 1000) / perSecond);
  }

  /** From now on there is no limit. */
  lift(): void {
    this.perSecond = 0;
  }
}
