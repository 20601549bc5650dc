/**
 * What the client's clock is off by, learned from each welcome (P-3.1), so that readings without a time of their own are
 * stamped right even where the machine's clock is unset. Owns the correction in force.
 */

/** Up to here the difference may as well be the network's delay, and the own clock is kept; ms. */
const TOLERANCE = 1000;

export class TimeCorrection {
  private offset = 0;

  learn(brokerTime: number, now: number): void {
    const difference = brokerTime - now;
    this.offset = Math.abs(difference) > TOLERANCE ? difference : 0;
  }

  /** Own clock → Unix ms as the broker counts them. */
  apply(time: number): number {
    return Math.round(time + this.offset);
  }
}
