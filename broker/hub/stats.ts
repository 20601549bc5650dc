/**
 * What the broker tells of itself (`GET /stats`, the live channel's `stats`, `/metrics`). Owns the samples of the
 * counters, one a second, from which the rates of the last five seconds come.
 */
import type { BridgeStats, BrokerStats, Stats } from '../../schemas/api.ts';
import type { Caller } from '../access/caller.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Stores, TelemetryLog } from '../store/ports.ts';
import type { Counters } from './counters.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { ProcessGauge, ProcessReading } from './process-gauge.ts';

const PERIOD = 1000;
/** Samples kept: the rates span one period less. */
const KEPT = 6;

export interface StatsParts {
  readonly fleet: Pick<Fleet, 'total' | 'online' | 'neverSeen'>;
  readonly counters: Counters;
  readonly log: Pick<TelemetryLog, 'stats'>;
  readonly stores: Pick<Stores, 'obstacles'>;
  readonly process: Pick<ProcessGauge, 'start' | 'stop' | 'read'>;
  /** Connections of the live channel now. */
  readonly viewers: () => number;
  readonly commands: { readonly waiting: number };
  readonly bridge: () => BridgeStats;
  readonly clock: Clock;
  readonly version: string;
}

/** The fleet, to count in. */
export interface Devices {
  devices(customer: string): Iterable<{ readonly online: boolean; readonly neverSeen: boolean }>;
}

type Rates = BrokerStats['rates'];

export class StatsCollector {
  private readonly parts: StatsParts;
  /** `at`: monotonic ms. */
  private samples: { readonly at: number; readonly counts: Rates }[] = [];
  private reading: ProcessReading | null = null;
  /** Unix ms, and the same moment in monotonic ms. */
  private startedAt = 0;
  private runningSince = 0;
  private timer: Timer | null = null;

  constructor(parts: StatsParts) {
    this.parts = parts;
  }

  start(): void {
    if (this.timer) return;
    const { clock, process } = this.parts;
    process.start();
    this.startedAt = clock.now();
    this.runningSince = clock.monotonic();
    this.sample();
    this.timer = clock.every(PERIOD, () => this.sample());
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.parts.process.stop();
  }

  /** Everything; what a caller may see of it: `statsFor`. Counts are of now, rates and delays of the last sample. */
  current(): Stats {
    const { fleet, clock, version } = this.parts;
    return {
      at: clock.now(),
      version,
      startedAt: this.startedAt,
      uptimeSeconds: Math.floor((clock.monotonic() - this.runningSince) / 1000),
      devices: { total: fleet.total, online: fleet.online, neverSeen: fleet.neverSeen },
      broker: this.broker(),
    };
  }

  private broker(): BrokerStats {
    const { counters, viewers, process } = this.parts;
    const { memory, eventLoopDelay } = this.reading ?? process.read();
    return {
      viewers: viewers(),
      rates: this.rates(),
      totals: totalsOf(counters),
      pauses: { ...counters.pauses },
      refusals: Object.fromEntries(counters.refusals),
      frameErrors: Object.fromEntries(counters.frameErrors),
      closes: Object.fromEntries(counters.closes),
      commands: {
        waiting: this.parts.commands.waiting,
        steps: Object.fromEntries(counters.commandSteps),
      },
      bridge: this.parts.bridge(),
      log: this.log(),
      storesWaiting: this.storesWaiting(),
      memory: { ...memory },
      eventLoopDelay: { ...eventLoopDelay },
    };
  }

  private storesWaiting(): BrokerStats['storesWaiting'] {
    const { log, database } = this.parts.stores.obstacles;
    return { log: Number(log !== null), database: Number(database !== null) };
  }

  private log(): BrokerStats['log'] {
    const { bytes, segments, first, end, lost } = this.parts.log.stats();
    const { framesAccepted, framesCommitted } = this.parts.counters;
    return {
      bytes,
      segments,
      first,
      end,
      waitingFrames: framesAccepted - framesCommitted,
      lost: { ...lost },
    };
  }

  private sample(): void {
    const { clock, counters } = this.parts;
    this.samples = [...this.samples, { at: clock.monotonic(), counts: rateCounts(counters) }];
    if (this.samples.length > KEPT) this.samples.shift();
    this.reading = this.parts.process.read();
  }

  private rates(): Rates {
    const oldest = this.samples.at(0);
    const newest = this.samples.at(-1);
    const seconds = oldest && newest ? (newest.at - oldest.at) / 1000 : 0;
    const rate = (name: keyof Rates): number => {
      if (!oldest || !newest || seconds <= 0) return 0;
      return Math.round(((newest.counts[name] - oldest.counts[name]) / seconds) * 10) / 10;
    };
    return {
      frames: rate('frames'),
      samples: rate('samples'),
      bytes: rate('bytes'),
      commits: rate('commits'),
      acks: rate('acks'),
    };
  }
}

/** What a caller may see: an admin all of it, others nothing that comes from devices of other customers. */
export function statsFor(stats: Stats, caller: Caller, fleet: Devices): Stats {
  if (caller.customer === '*') return stats;
  const { broker: _, ...visible } = stats;
  return { ...visible, devices: countDevices(fleet, caller.customer) };
}

/** Devices of one customer: known, connected, and never seen. */
export function countDevices(fleet: Devices, customer: string): Stats['devices'] {
  const counts = { total: 0, online: 0, neverSeen: 0 };
  for (const device of fleet.devices(customer)) {
    counts.total += 1;
    if (device.online) counts.online += 1;
    if (device.neverSeen) counts.neverSeen += 1;
  }
  return counts;
}

function rateCounts(counters: Counters): Rates {
  const { framesAccepted, samples, bytesReceived, commits, acks } = counters;
  return { frames: framesAccepted, samples, bytes: bytesReceived, commits, acks };
}

function totalsOf(counters: Counters): BrokerStats['totals'] {
  return {
    ...rateCounts(counters),
    repeated: counters.framesRepeated,
    events: counters.events,
    connections: counters.connectionsOpened,
    takeovers: counters.takeovers,
    viewers: counters.viewersOpened,
    viewerSkips: counters.viewerSkips,
    viewersClosedSlow: counters.viewersClosedSlow,
  };
}
