/**
 * Collects what the broker shows of itself (`GET /stats`, the live channel's `stats`, `/metrics`). Owns the newest reading
 * of the process, one a second.
 */
import type { BridgeStats, BrokerStats, Stats } from '../../schemas/api.ts';
import type { Caller } from '../access/caller.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { RateMeter } from '../base/rate-meter.ts';
import type { Stores, TelemetryLog } from '../store/ports.ts';
import { numberOf } from '../store/position.ts';
import type { Counters } from './counters.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { ProcessMetrics, ProcessReading } from './process-metrics.ts';

const PERIOD = 1000;

export interface StatsParts {
  readonly fleet: Pick<Fleet, 'total' | 'online' | 'neverSeen'>;
  readonly counters: Counters;
  readonly log: Pick<TelemetryLog, 'stats'>;
  readonly stores: Pick<Stores, 'obstacles'>;
  readonly process: Pick<ProcessMetrics, 'start' | 'stop' | 'read'>;
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
  private readonly meter: RateMeter<keyof Rates>;
  private reading: ProcessReading | null = null;
  /** Unix ms, and the same moment in monotonic ms. */
  private startedAt = 0;
  private runningSince = 0;
  private timer: Timer | null = null;

  constructor(parts: StatsParts) {
    this.parts = parts;
    this.meter = new RateMeter(parts.clock, () => rateCounts(parts.counters));
  }

  start(): void {
    if (this.timer) return;
    const { clock, process } = this.parts;
    process.start();
    this.startedAt = clock.now();
    this.runningSince = clock.monotonic();
    this.meter.start();
    this.read();
    this.timer = clock.every(PERIOD, () => this.read());
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.meter.stop();
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
      rates: this.meter.rates,
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
      first: numberOf(first),
      end: numberOf(end),
      waitingFrames: framesAccepted - framesCommitted,
      lost: { ...lost },
    };
  }

  private read(): void {
    this.reading = this.parts.process.read();
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
