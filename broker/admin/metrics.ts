/** Prometheus' view of the broker. Owns one registry; the figures are read at each scrape and nowhere else. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { BrokerStats, Stats } from '../../schemas/api.ts';
import { METRICS, type Metric } from './metrics-table.ts';

/** Label values a metric; the rest is counted under `other`. */
const LABEL_VALUES = 64;

type Instrument = Counter | Gauge;

export class Metrics {
  private readonly registry = new Registry();
  private instruments: readonly (readonly [Metric, Instrument])[] = [];

  start(): void {
    this.instruments = METRICS.map((metric) => [metric, this.instrument(metric)] as const);
    // Of the process and of Node, the event loop's lag among them.
    collectDefaultMetrics({ register: this.registry });
  }

  stop(): void {
    this.registry.clear();
    this.instruments = [];
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text of one scrape. */
  async scrape(stats: Stats): Promise<string> {
    for (const [metric, instrument] of this.instruments) {
      instrument.reset();
      if (stats.broker) record(metric, instrument, stats, stats.broker);
    }
    return this.registry.metrics();
  }

  private instrument({ name, help, type, label }: Metric): Instrument {
    const options = { name, help, labelNames: label === null ? [] : [label], registers: [this.registry] };
    return type === 'counter' ? new Counter(options) : new Gauge(options);
  }
}

function record(metric: Metric, instrument: Instrument, stats: Stats, broker: BrokerStats): void {
  if (metric.label === null) {
    instrument.inc(metric.read(stats, broker));
    return;
  }
  for (const [value, count] of bounded(metric.read(stats, broker)))
    instrument.inc({ [metric.label]: value }, count);
}

function bounded(counts: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  const all = Object.entries(counts);
  const rest = all.slice(LABEL_VALUES).reduce((sum, [, count]) => sum + count, 0);
  return rest === 0 ? all : [...all.slice(0, LABEL_VALUES), ['other', rest]];
}
