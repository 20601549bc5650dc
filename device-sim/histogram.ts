/**
 * Durations as a histogram of fixed size: buckets that grow by 5 %, so a percentile is right to within that, however
 * many are counted. Owns the counts.
 */
import { rounded } from './random.ts';

const GROWTH = Math.log(1.05);
/** Everything below falls into the first bucket; ms. */
const LEAST = 0.1;
/** Up to about 50 minutes. */
const BUCKETS = 354;

export class Histogram {
  private readonly counts = new Float64Array(BUCKETS);
  private total = 0;
  private highest = 0;

  get count(): number {
    return this.total;
  }

  /** Milliseconds. */
  add(value: number): void {
    const bucket = value <= LEAST ? 0 : Math.ceil(Math.log(value / LEAST) / GROWTH);
    const index = Math.min(BUCKETS - 1, bucket);
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.total += 1;
    this.highest = Math.max(this.highest, value);
  }

  /** The value that this part (0 to 1) of all does not exceed, in ms; null: nothing was counted. */
  quantile(part: number): number | null {
    if (this.total === 0) return null;
    const wanted = Math.max(1, Math.ceil(part * this.total));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index += 1) {
      seen += this.counts[index] ?? 0;
      if (seen >= wanted) return rounded(Math.min(this.highest, LEAST * Math.exp(index * GROWTH)), 1);
    }
    return rounded(this.highest, 1);
  }
}
