/** A histogram of latencies with a resolution of 0.1 ms up to 10 s. Owns its counts. */
const PER_MILLISECOND = 10;
const BUCKETS = 100_000;

export class Latencies {
  private counts = new Uint32Array(BUCKETS);
  private total = 0;
  private longest = 0;

  add(milliseconds: number): void {
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(milliseconds * PER_MILLISECOND)));
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.total += 1;
    if (milliseconds > this.longest) this.longest = milliseconds;
  }

  /** What was added since the last call; ms. */
  take(): { count: number; p50: number; p99: number; max: number } {
    const summary = {
      count: this.total,
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      max: this.longest,
    };
    this.counts.fill(0);
    this.total = this.longest = 0;
    return summary;
  }

  private percentile(part: number): number {
    let left = Math.ceil(this.total * part);
    for (let bucket = 0; bucket < BUCKETS && left > 0; bucket += 1) {
      left -= this.counts[bucket] as number;
      if (left <= 0) return (bucket + 1) / PER_MILLISECOND;
    }
    return 0;
  }
}
