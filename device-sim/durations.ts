/**
 * Collects durations in a histogram of fixed size (HdrHistogram, of Node): a quantile is right to within a thousandth and
 * a microsecond, however many are counted. Owns the histogram.
 */
import { createHistogram } from 'node:perf_hooks';
import { rounded } from './random.ts';

/** Longer ones count as this; µs, an hour. */
const LONGEST = 3_600_000_000;

export interface DurationSummary {
  readonly count: number;
  /** These in ms; 0: nothing was counted. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class Durations {
  /** µs, for it counts whole numbers from 1. */
  private readonly histogram = createHistogram({ lowest: 1, highest: LONGEST, figures: 3 });
  private longest = 0;

  get count(): number {
    return this.histogram.count;
  }

  /** Milliseconds. */
  add(duration: number): void {
    this.histogram.record(Math.min(LONGEST, Math.max(1, Math.round(duration * 1000))));
    this.longest = Math.max(this.longest, duration);
  }

  /** The duration that this part (0 to 1) of all does not exceed, in ms; null: nothing was counted. */
  quantile(part: number): number | null {
    if (this.count === 0) return null;
    const microseconds = this.histogram.percentile(Math.max(Number.EPSILON, part * 100));
    return rounded(Math.min(this.longest, microseconds / 1000), 1);
  }

  /** Of what was counted since the last call. */
  collect(): DurationSummary {
    const { count, longest } = this;
    const summary = { count, p50: this.quantile(0.5) ?? 0, p99: this.quantile(0.99) ?? 0, max: longest };
    this.histogram.reset();
    this.longest = 0;
    return summary;
  }
}
