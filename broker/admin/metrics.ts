/**
 * Shows the broker to Prometheus. Holds one table of what `/metrics` tells, which `docs/metrics.md` lists too (a test
 * holds the two together). Owns one registry; the figures are read at each scrape and nowhere else.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { BrokerStats, Stats } from '../../schemas/api.ts';

interface MetricText {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
}

export interface PlainMetric extends MetricText {
  readonly label: null;
  read(stats: Stats, broker: BrokerStats): number;
}

export interface LabelledMetric extends MetricText {
  /** Its values come from tables of the code (codes, reasons, readers): there are few. */
  readonly label: string;
  read(stats: Stats, broker: BrokerStats): Readonly<Record<string, number>>;
}

export type Metric = PlainMetric | LabelledMetric;

const gauge = (name: string, help: string, read: PlainMetric['read']): Metric => ({
  name: `signalbox_${name}`,
  help,
  type: 'gauge',
  label: null,
  read,
});

/** A total since the start. */
const total = (name: string, help: string, from: keyof BrokerStats['totals']): Metric => ({
  name: `signalbox_${name}_total`,
  help,
  type: 'counter',
  label: null,
  read: (_, broker) => broker.totals[from],
});

const by = (
  label: string,
  name: string,
  help: string,
  read: (broker: BrokerStats) => Readonly<Record<string, number>>,
): Metric => ({
  name: `signalbox_${name}_total`,
  help,
  type: 'counter',
  label,
  read: (_, broker) => read(broker),
});

const bridgeTotal = (
  name: string,
  help: string,
  from: 'sent' | 'repeated' | 'lostBytes' | 'outages' | 'crashes',
): Metric => ({
  name: `signalbox_mqtt_${name}_total`,
  help,
  type: 'counter',
  label: null,
  read: (_, broker) => broker.bridge[from],
});

export const METRICS: readonly Metric[] = [
  {
    name: 'signalbox_build_info',
    help: 'Always 1; the version is the label.',
    type: 'gauge',
    label: 'version',
    read: (stats) => ({ [stats.version]: 1 }),
  },
  gauge('devices', 'Devices known.', (stats) => stats.devices.total),
  gauge('devices_online', 'Devices connected.', (stats) => stats.devices.online),
  gauge(
    'devices_never_seen',
    'Devices that are known and have not connected yet.',
    (stats) => stats.devices.neverSeen,
  ),
  gauge('viewers', 'Connections of the live channel.', (_, broker) => broker.viewers),

  total('frames_received', 'Valid frames of devices.', 'frames'),
  total('frames_repeated', 'Frames that had come before and changed nothing (P-4.3).', 'repeated'),
  total('received_bytes', 'Bytes of valid frames.', 'bytes'),
  total('samples', 'Measurements taken in.', 'samples'),
  total('events', 'Events of devices taken in (P-2.5).', 'events'),
  total('acks', 'Acknowledgements sent.', 'acks'),
  by('code', 'frame_errors', 'Error frames sent, by error code (P-8).', (broker) => broker.frameErrors),

  total('connections', 'Device connections opened.', 'connections'),
  total('takeovers', 'Connections replaced by a newer one of the same device (P-1.6).', 'takeovers'),
  by(
    'code',
    'refusals',
    'Requests refused before the upgrade, by problem code (P-1.5).',
    (broker) => broker.refusals,
  ),
  by('reason', 'closes', 'Device connections ended, by reason (P-7.3).', (broker) => broker.closes),
  by('reason', 'pauses', 'Times that a socket was not read, by reason (P-7.2).', (broker) => broker.pauses),

  total('viewers_opened', 'Connections of the live channel opened.', 'viewers'),
  total('viewer_skips', 'Live updates merged because a viewer was slow.', 'viewerSkips'),
  total('viewers_closed_slow', 'Viewers closed because they did not read.', 'viewersClosedSlow'),

  gauge('commands_waiting', 'Commands that are not final.', (_, broker) => broker.commands.waiting),
  by(
    'status',
    'command_steps',
    'Steps that commands have taken, by status (P-5.1).',
    (broker) => broker.commands.steps,
  ),

  gauge('mqtt_connected', '1: the MQTT bridge is connected.', (_, { bridge }) =>
    Number(bridge.state === 'connected'),
  ),
  gauge(
    'mqtt_backlog_bytes',
    'Bytes of the log that wait for the MQTT server.',
    (_, broker) => broker.bridge.backlog.bytes,
  ),
  gauge(
    'mqtt_backlog_seconds',
    'Age of the oldest frame that the MQTT server does not have.',
    (_, broker) => broker.bridge.backlog.seconds,
  ),
  bridgeTotal('sent', 'Messages of the log that the MQTT server has acknowledged.', 'sent'),
  bridgeTotal('repeated', 'Copies that were written to the MQTT server again.', 'repeated'),
  bridgeTotal(
    'lost_bytes',
    'Bytes that fell off the log before the MQTT server had them, since the broker started.',
    'lostBytes',
  ),
  bridgeTotal('outages', 'Outages of the MQTT server that are over.', 'outages'),
  bridgeTotal('crashes', "Times that the bridge's thread ended by itself.", 'crashes'),
  by(
    'reason',
    'mqtt_dropped',
    'Messages to the MQTT server that were given up, by reason.',
    (broker) => broker.bridge.dropped,
  ),
  by(
    'outcome',
    'mqtt_commands',
    'Commands that came over MQTT: taken, refused.',
    (broker) => broker.bridge.commands,
  ),

  {
    name: 'signalbox_store_waiting',
    help: '1: log or database cannot write now and waits: a full disk, or a lock of another program.',
    type: 'gauge',
    label: 'store',
    read: (_, broker) => broker.storesWaiting,
  },
  total('log_commits', 'Commits of the telemetry log.', 'commits'),
  gauge('log_bytes', 'Bytes that the telemetry log holds.', (_, broker) => broker.log.bytes),
  gauge('log_segments', 'Segment files that the telemetry log holds.', (_, broker) => broker.log.segments),
  gauge(
    'log_waiting_frames',
    'Frames accepted and not yet committed.',
    (_, broker) => broker.log.waitingFrames,
  ),
  by(
    'reader',
    'log_lost_bytes',
    'Bytes that retention removed before a reader had passed them, since the broker started.',
    (broker) => broker.log.lost,
  ),
];

/** Label values a metric; the rest is counted under `other`. */
const LABEL_VALUES = 64;

export class Metrics {
  private readonly registry = new Registry();
  /** What is told in the scrape at hand, so that all of its figures are of one moment. */
  private stats: Stats | null = null;

  start(): void {
    for (const metric of METRICS) this.add(metric);
    // Of the process and of Node, the event loop's lag among them.
    collectDefaultMetrics({ register: this.registry });
  }

  stop(): void {
    this.registry.clear();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text of one scrape. */
  async scrape(stats: Stats): Promise<string> {
    this.stats = stats;
    return this.registry.metrics();
  }

  /** The registry asks each instrument for its figures at a scrape. */
  private add(metric: Metric): void {
    const { name, help, type, label } = metric;
    const instrument: Counter | Gauge = new (type === 'counter' ? Counter : Gauge)({
      name,
      help,
      labelNames: label === null ? [] : [label],
      registers: [this.registry],
      collect: () => this.collect(metric, instrument),
    });
  }

  private collect(metric: Metric, instrument: Counter | Gauge): void {
    const { stats } = this;
    instrument.reset();
    if (!stats?.broker) return;
    if (metric.label === null) {
      instrument.inc(metric.read(stats, stats.broker));
      return;
    }
    for (const [value, count] of bounded(metric.read(stats, stats.broker)))
      instrument.inc({ [metric.label]: value }, count);
  }
}

function bounded(counts: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  const all = Object.entries(counts);
  const rest = all.slice(LABEL_VALUES).reduce((sum, [, count]) => sum + count, 0);
  return rest === 0 ? all : [...all.slice(0, LABEL_VALUES), ['other', rest]];
}
