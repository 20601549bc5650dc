/**
 * Measures how late a timer of a fixed period comes. In that time this process did not run: it was stopped, its machine
 * was suspended, or one turn took long. What others sent meanwhile still lies in the sockets, so nobody may be taken for
 * silent or slow because of it. Owns when the timer ran last.
 */
export class Lateness {
  private readonly period: number;
  private ranAt: number;

  /** `period`: ms. `now` here and below: monotonic ms. */
  constructor(period: number, now: number) {
    this.period = period;
    this.ranAt = now;
  }

  /** To be called whenever the timer runs: ms since the time before, in which nobody was heard; 0 if it is in time. */
  measure(now: number): number {
    const passed = now - this.ranAt;
    this.ranAt = now;
    return passed >= 2 * this.period ? passed : 0;
  }
}
