/** How fast counters grow, over the last five seconds. Owns samples of them, one a second. */
import type { Clock, Timer } from './clock.ts';

const PERIOD = 1000;
/** Samples kept: the rates span one period less. */
const KEPT = 6;

type Counts<Name extends string> = Readonly<Record<Name, number>>;

export class RateMeter<Name extends string> {
  private readonly clock: Pick<Clock, 'monotonic' | 'every'>;
  private readonly counts: () => Counts<Name>;
  /** `at`: monotonic ms. */
  private readonly samples: { readonly at: number; readonly counts: Counts<Name> }[] = [];
  private timer: Timer | null = null;

  /** `counts` reads the counters, which only grow; always the same ones. */
  constructor(clock: Pick<Clock, 'monotonic' | 'every'>, counts: () => Counts<Name>) {
    this.clock = clock;
    this.counts = counts;
  }

  start(): void {
    if (this.timer) return;
    this.sample();
    this.timer = this.clock.every(PERIOD, () => this.sample());
  }

  /** Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  /** Each a second, to a tenth; 0 before there are two samples. */
  get rates(): Record<Name, number> {
    const oldest = this.samples.at(0);
    const newest = this.samples.at(-1);
    const milliseconds = oldest && newest ? newest.at - oldest.at : 0;
    const names = Object.keys(this.counts()) as Name[];
    const rate = (name: Name): number => {
      if (!oldest || !newest || milliseconds <= 0) return 0;
      return Math.round(((newest.counts[name] - oldest.counts[name]) * 10_000) / milliseconds) / 10;
    };
    return Object.fromEntries(names.map((name) => [name, rate(name)])) as Record<Name, number>;
  }

  private sample(): void {
    this.samples.push({ at: this.clock.monotonic(), counts: this.counts() });
    if (this.samples.length > KEPT) this.samples.shift();
  }
}
