/** Reads what the process costs: its memory, and how late its event loop is. Owns the histogram of delays. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The loop's delay is seen by a timer of this period, ms. */
const RESOLUTION = 10;
const NANOSECONDS = 1e6;

export interface ProcessReading {
  readonly memory: {
    readonly residentBytes: number;
    readonly heapBytes: number;
    readonly externalBytes: number;
  };
  /** Since the reading before, ms. */
  readonly eventLoopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
}

export class ProcessMetrics {
  private histogram: ReturnType<typeof monitorEventLoopDelay> | null = null;

  start(): void {
    this.histogram ??= monitorEventLoopDelay({ resolution: RESOLUTION });
    this.histogram.enable();
  }

  stop(): void {
    this.histogram?.disable();
  }

  /** Starts the delays anew. */
  read(): ProcessReading {
    const { rss, heapUsed, external } = process.memoryUsage();
    return {
      memory: { residentBytes: rss, heapBytes: heapUsed, externalBytes: external },
      eventLoopDelay: this.takeDelays(),
    };
  }

  private takeDelays(): ProcessReading['eventLoopDelay'] {
    const { histogram } = this;
    if (!histogram || histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
    const delays = {
      p50: beyondResolution(histogram.percentile(50)),
      p99: beyondResolution(histogram.percentile(99)),
      max: beyondResolution(histogram.max),
    };
    histogram.reset();
    return delays;
  }
}

/** The histogram holds the time from one firing to the next, which is the period when nothing is late. */
function beyondResolution(nanoseconds: number): number {
  return Math.max(0, Math.round((nanoseconds / NANOSECONDS - RESOLUTION) * 10) / 10);
}
