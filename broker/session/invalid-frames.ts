/** The budget of frames that break a schema (P-2.3). Owns the times of the recent ones. */
const MINUTE = 60_000;

export class InvalidFrames {
  private readonly limit: number;
  private times: number[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Counts one at `now`, monotonic ms; whether that was more than the limit within a minute. */
  exceeds(now: number): boolean {
    this.times = this.times.filter((time) => time > now - MINUTE);
    this.times.push(now);
    return this.times.length > this.limit;
  }
}
