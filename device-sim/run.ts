/**
 * A simulated fleet (`signalbox sim run`, the demo): devices of some profiles that connect one after the other and send
 * at a steady rate. Owns the devices and the one timer that drives them all.
 */
import type { Clock, Timer } from '../broker/base/clock.ts';
import { DeviceClient, systemClock } from '../client/index.ts';
import { type CommandBehaviour, OBLIGING } from './commands.ts';
import { SimulatedDevice } from './device.ts';
import { PROFILE_NAMES, PROFILES, type ProfileName } from './profiles/index.ts';
import type { Profile } from './profiles/profile.ts';
import { seeded, seedFor } from './random.ts';
import type { Report } from './report.ts';
import { ClientTally } from './tally.ts';

export interface FleetKey {
  readonly customer: string;
  /** A device key of the customer's whole fleet (P-1.3). */
  readonly key: string;
}

export interface SimulationOptions {
  readonly url: string;
  /** One for each customer. */
  readonly keys: readonly FleetKey[];
  /** Of each customer. */
  readonly devices: number;
  /** Measurements a second and device. */
  readonly rate: number;
  /** ms; default: until `stop`. */
  readonly duration?: number;
  /** The same seed simulates the same fleet. */
  readonly seed?: number;
  /** Taken in turn; default: all. */
  readonly profiles?: readonly ProfileName[];
  /** New connections a second, so that a fleet does not arrive as a storm; default 100. */
  readonly connectsPerSecond?: number;
  /** How devices answer commands; default: each succeeds within 50 to 500 ms. */
  readonly commands?: Partial<CommandBehaviour>;
  /** Called when a device (`customer/id`) begins to carry out a command; never twice for one id (P-5.2). */
  readonly onExecuted?: (device: string, id: string) => void;
  /** How long `stop` waits for acknowledgements; ms, default 15,000: a broker that was away is met again by then. */
  readonly drain?: number;
  readonly clock?: Clock;
}

/** How often the fleet is looked after; ms. */
const TICK = 20;
/** Of each device; the oldest frames make room, and are counted. */
const OUTBOX_BYTES = 262_144;

export function simulate(options: SimulationOptions): Simulation {
  return new Simulation(options);
}

class Simulation {
  /** Resolves with the closing report: after the duration, after `stop`, or when nobody is left to go on. */
  readonly finished: Promise<Report>;
  private readonly options: SimulationOptions;
  private readonly clock: Clock;
  private readonly tally: ClientTally;
  private readonly devices: SimulatedDevice[];
  private settle: (report: Promise<Report>) => void = () => {};
  private timer: Timer | null = null;
  /** Monotonic ms, as all its times. */
  private startedAt = 0;
  private started = 0;
  private stopping: Promise<Report> | null = null;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.tally = new ClientTally(this.clock);
    this.devices = makeDevices(options, this.clock, this.tally);
    this.finished = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  /** Idempotent. */
  start(): void {
    if (this.timer || this.stopping) return;
    this.startedAt = this.clock.monotonic();
    this.tally.start();
    this.timer = this.clock.every(TICK, () => this.tick());
  }

  /** Waits for acknowledgements, ends the connections, closes the report. Idempotent; called again it waits no longer. */
  stop(): Promise<Report> {
    if (this.stopping) for (const device of this.devices) void device.stop(0);
    this.stopping ??= this.halt();
    this.settle(this.stopping);
    return this.stopping;
  }

  report(): Report {
    return this.tally.report();
  }

  private tick(): void {
    const now = this.clock.monotonic();
    const { duration = Number.POSITIVE_INFINITY } = this.options;
    this.ramp(now);
    for (let index = 0; index < this.started; index += 1) this.devices[index]?.run(now);
    const isOver = now - this.startedAt >= duration;
    if (isOver || this.devices.every(({ state }) => state === 'turned away')) void this.stop();
  }

  private ramp(now: number): void {
    const { connectsPerSecond = 100, rate } = this.options;
    const due = 1 + Math.floor(((now - this.startedAt) * connectsPerSecond) / 1000);
    for (; this.started < Math.min(due, this.devices.length); this.started += 1) {
      const phase = ((this.started * 0.618) % 1) * (1000 / rate);
      this.devices[this.started]?.start(now + phase);
    }
  }

  private async halt(): Promise<Report> {
    this.timer?.cancel();
    const { drain = 15_000 } = this.options;
    await Promise.all(this.devices.map((device) => device.stop(drain)));
    this.tally.close();
    return this.tally.report();
  }
}

/** Customers take turns, so that all of them are there from the beginning. */
function makeDevices(options: SimulationOptions, clock: Clock, tally: ClientTally): SimulatedDevice[] {
  const { profiles = PROFILE_NAMES, keys, devices } = options;
  return Array.from({ length: devices }, (_, index) => {
    const profile = PROFILES[profiles[index % profiles.length] ?? 'pump'];
    const device = `${profile.name}-${Math.floor(index / profiles.length) + 1}`;
    return keys.map((key) => makeDevice(options, { ...key, device, profile }, clock, tally));
  }).flat();
}

function makeDevice(
  options: SimulationOptions,
  { customer, key, device, profile }: FleetKey & { readonly device: string; readonly profile: Profile },
  clock: Clock,
  tally: ClientTally,
): SimulatedDevice {
  const { url, rate, seed = 1, commands, onExecuted } = options;
  const name = `${customer}/${device}`;
  const { model, firmware, fields } = profile;
  const client = new DeviceClient({
    url,
    key,
    device,
    model,
    firmware,
    ...(fields ? { fields } : {}),
    outbox: { bytes: OUTBOX_BYTES, whenFull: 'drop-oldest' },
    commands: { concurrency: Number.POSITIVE_INFINITY },
    clock,
    random: seeded(seedFor(seed, `backoff of ${name}`)),
  });
  return new SimulatedDevice({
    client,
    profile,
    machine: profile.device(seeded(seedFor(seed, name))),
    tally,
    clock,
    interval: 1000 / rate,
    behaviour: { ...OBLIGING, ...commands },
    seed: seedFor(seed, `commands of ${name}`),
    onExecuted: (id) => {
      tally.executed();
      onExecuted?.(name, id);
    },
  });
}
