/**
 * One run: a world with a network, a machine, devices and judges, through the weather of a plan, then a calm in which everything that was
 * promised must come true. Owns all of them for that long.
 */
import './globals.ts';
import type { KeyRequest } from '../../broker/access/key-service.ts';
import { testConfig } from '../helpers/config.ts';
import { CheckpointJudge } from './checkpoint-judge.ts';
import { SimulatedDevice } from './device.ts';
import { DurableLog } from './durable.ts';
import { AllEars } from './ears.ts';
import { within } from './globals.ts';
import { type Guest, guestsOf } from './guests.ts';
import { type Fault, Faults, type ShownDevice, TelemetryJudge } from './judges.ts';
import { Machine, type Running } from './machine.ts';
import { type MqttSetting, mqttSettingOf } from './mqtt-guest.ts';
import { Network } from './network.ts';
import type { Plan } from './plan.ts';
import { LastLines, storyLog, wordsOfEntry } from './story.ts';
import { Weather } from './weather.ts';
import { World } from './world.ts';

export interface Outcome {
  readonly plan: Plan;
  readonly faults: readonly Fault[];
  /** Of the whole trace. */
  readonly digest: string;
  /** The last lines of the story, as many as were asked for. */
  readonly trace: readonly string[];
  readonly happenings: number;
  readonly simulatedHours: number;
  readonly starts: number;
  readonly kills: number;
  /** How often each rule was put to the test. */
  readonly checks: Readonly<Record<string, number>>;
}

export interface RunOptions {
  /** So many of the story's last lines are kept. */
  readonly traceLines?: number;
  /** Hears each of them. */
  readonly listener?: (line: string) => void;
}

/** Errors that the log tells of when a disk is full or fails. */
const EXPLAINED =
  /^(The disk is full|The store has failed|Another program holds|A log segment could not be removed|The process or the system has no file|.*The database \S+ (failed: simulated|was closed before)|.*is damaged at offset|The thread of the MQTT bridge has ended)/;

const ADDRESS = 'broker';
const STORES = {
  wide: { segmentBytes: 65_536, retentionBytes: 16 * 1024 * 1024 },
  narrow: { segmentBytes: 8192, retentionBytes: 1024 * 1024 },
} as const;
const HOUR = 3_600_000;
/** How often what is shown is compared with the model; ms. */
const COMPARE_EVERY = 20_000;
/** How long the calm lasts at most, and how long a stop may; ms. */
const CALM = 20 * 60_000;
const STOP = 30_000;
const RULES = {
  starts: 'it starts',
  stops: 'it stops',
  leaves: 'it leaves nothing',
  ends: 'it ends only for a reason',
  waits: 'nothing waits for ever',
  level: 'nothing is left of connections that are gone',
  thrown: 'nothing is thrown away',
  failStop: 'a process whose sync failed syncs no more',
  errors: 'no error is said that no weather explains',
} as const;

export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<Outcome> {
  const world = new World(plan.seed);
  const last = new LastLines(options.traceLines ?? 0);
  if (options.listener || options.traceLines) {
    world.listener = (line) => {
      last.add(line);
      options.listener?.(line);
    };
  }
  const box = new Box(world, plan);
  let threw = 0;
  const thrown = (error: unknown) => {
    threw += 1;
    box.faults.add(RULES.thrown, String((error as Error).stack ?? error));
  };
  process.on('unhandledRejection', thrown);
  process.on('uncaughtException', thrown);
  try {
    await within(world, () => box.run());
  } finally {
    process.off('unhandledRejection', thrown);
    process.off('uncaughtException', thrown);
  }
  box.faults.check(RULES.thrown, threw === 0, () => `${threw} errors`);
  return {
    plan,
    faults: box.faults.found,
    digest: world.digest(),
    trace: last.lines,
    happenings: world.happenings,
    simulatedHours: world.time / HOUR,
    starts: box.machine.starts,
    kills: box.weather.kills,
    checks: box.faults.checks,
  };
}

export class Box {
  readonly world: World;
  readonly plan: Plan;
  readonly network: Network;
  /** Where devices and operators connect. */
  readonly address = ADDRESS;
  readonly machine: Machine;
  readonly faults: Faults;
  readonly judge: TelemetryJudge;
  /** Whoever else judges hears here of all that happens. */
  readonly ears = new AllEars();
  readonly devices: SimulatedDevice[] = [];
  /** Devices of which it is not certain whether an operator's word about them holds. */
  readonly uncertain = new Set<string>();
  readonly weather: Weather;
  /** Of the MQTT server in this run. */
  readonly mqtt: MqttSetting;
  /** Who else is there, in the order in which they came. */
  readonly guests: readonly Guest[];

  constructor(world: World, plan: Plan) {
    this.world = world;
    this.plan = plan;
    this.faults = new Faults(world);
    this.faults.declare(Object.values(RULES));
    this.judge = new TelemetryJudge(this.faults, this.uncertain);
    this.network = new Network(world);
    this.mqtt = mqttSettingOf(world);
    const durable = new DurableLog((entry) => {
      world.tell('log', 'holds', () => wordsOfEntry(entry));
      this.judge.durable(entry, this.processName);
      this.ears.durable(entry);
    });
    this.machine = new Machine({
      world,
      network: this.network,
      name: 'a',
      address: ADDRESS,
      config: testConfig('/data', {
        store: STORES[plan.store],
        limits: { connectionsPerAddress: 1000 },
        mqtt: this.mqtt.config,
      }),
      logger: storyLog(world, 'a', (message, fields) => {
        const words = () => `${message} ${(fields as { err?: Error }).err?.message ?? ''}`;
        this.faults.check(RULES.errors, EXPLAINED.test(words()), words);
      }),
      ended: (how) => this.ended(how),
      forgot: (name, position) => this.judge.model.of(name).forget(position, this.processName),
      stored: (call) => this.ears.stored(call),
      // Before devices come back and hide what it has forgotten or invented.
      started: () => void this.compare(),
    });
    const checkpoint = new CheckpointJudge(this);
    this.machine.disk.events = {
      synced: (path, content) => durable.synced(path, content),
      removed: (path, end) => {
        checkpoint.removed(path, end);
        this.ears.removed(end);
      },
    };
    this.machine.disk.onDistrust = (who) => this.faults.add(RULES.failStop, who);
    this.weather = new Weather(this);
    this.guests = guestsOf(this);
  }

  async run(): Promise<void> {
    const { world, plan } = this;
    await this.begin();
    this.weather.start();
    this.compareEvery();
    await world.runUntil(world.time + plan.hours * HOUR, () => this.faults.found.length > 0);
    if (this.faults.found.length === 0) await this.calm();
    if (this.faults.found.length === 0) await this.end();
  }

  /** Whatever runs on the machine; null: nothing, or it is not ready. */
  get ready(): Running | null {
    const { running } = this.machine;
    return running?.state === 'ready' ? running : null;
  }

  private async begin(): Promise<void> {
    const { world, machine, plan } = this;
    void machine.start();
    const started = await world.runUntil(world.time + 10_000, () => this.ready !== null);
    this.faults.check(RULES.starts, started, () => 'the first start did not end');
    if (!started) return;
    for (let index = 0; index < plan.devices; index += 1) {
      const customer = `customer-${index % plan.customers}`;
      const id = `device-${index}`;
      const key = await this.keyOf(customer, id);
      const { wall } = machine;
      this.devices.push(
        new SimulatedDevice({
          world,
          network: this.network,
          judge: this.judge,
          ears: this.ears,
          address: ADDRESS,
          customer,
          id,
          key,
          wall: () => Math.floor(world.time) + wall.offset,
        }),
      );
    }
    for (const device of this.devices) device.start();
    for (const guest of this.guests) await guest.begin();
  }

  /** A new key of one device. */
  keyOf(customer: string, device: string): Promise<string> {
    return this.issue({ customer, device, role: 'device' });
  }

  /** A new key; before the weather. */
  async issue(rights: Pick<KeyRequest, 'customer' | 'device' | 'role'>): Promise<string> {
    const { machine, world } = this;
    let key: string | null = null;
    machine.ask((broker) =>
      broker.parts.keys.create({ ...rights, label: null, expiresAt: null }).then((created) => {
        key = created.key;
      }),
    );
    await world.runUntil(world.time + 60_000, () => key !== null);
    if (key === null) throw new Error(`no key for ${rights.customer}/${rights.device}`);
    return key;
  }

  private ended(how: string): void {
    if (how !== 'stopped') this.weather.ended(how);
  }

  private compareEvery(): void {
    this.world.after(
      COMPARE_EVERY,
      () => {
        this.compare();
        this.compareEvery();
      },
      null,
    );
  }

  /** Only while nothing durable waits to be applied. Whether it could be compared. */
  compare(): boolean {
    const { ready } = this;
    if (!ready) return false;
    const { fleet, stores, ingest } = ready.broker.parts;
    if (stores.obstacles.log !== null || Number(ingest.position) !== this.durableEnd) return false;
    const shown: ShownDevice[] = [...fleet.devices('*')].map((device) => ({
      name: device.name,
      online: device.online,
      values: [...device.metrics.changedSince(0)],
    }));
    this.judge.compare(shown, this.uncertain, this.processName);
    this.judge.compareSilence(this.devices, shown, this.world.time);
    return true;
  }

  /** That runs, or starts. */
  private get processName(): string {
    return this.machine.process?.name ?? 'none';
  }

  private get durableEnd(): number {
    return this.machine.disk.durableEnd;
  }

  /** The weather ends; everybody must come to rest. */
  private async calm(): Promise<void> {
    const { world, devices, faults } = this;
    this.weather.end();
    for (const guest of this.guests) guest.calm();
    for (const device of devices) {
      device.calm = true;
      device.wake();
    }
    const isCalm = () =>
      faults.found.length > 0 ||
      (this.ready !== null &&
        devices.every((device) => device.state === 'off' || this.isAtRest(device)) &&
        this.guests.every((guest) => guest.waitsFor() === null));
    if (!(await world.runUntil(world.time + CALM, isCalm))) {
      const restless = devices.filter((device) => device.state !== 'off' && !this.isAtRest(device));
      const words = restless.map(
        (device) => `${device.name} is ${device.state} with ${device.unacknowledged}`,
      );
      words.push(...this.guests.flatMap((guest) => guest.waitsFor() ?? []));
      faults.add(RULES.waits, `after ${CALM / 60_000} min of calm: ${words.join(', ') || 'no broker'}`);
      return;
    }
    const compared = await world.runUntil(world.time + 60_000, () => this.compare());
    faults.check(RULES.waits, compared, () => 'what is durable was not applied within a minute');
    const level = await world.runUntil(world.time + 120_000, () => this.isLevel());
    faults.check(RULES.level, level, () => `${this.ready?.broker.parts.sessions.size} sessions are open`);
    for (const guest of this.guests) guest.judge();
  }

  /** There are as many sessions as devices that are shown online: nothing is left of connections that are gone. */
  private isLevel(): boolean {
    const { ready } = this;
    if (!ready) return false;
    const { sessions, fleet } = ready.broker.parts;
    const online = [...fleet.devices('*')].filter((device) => device.online);
    return sessions.size === online.length;
  }

  /** It is connected, everybody sees that, and all that it sent is acknowledged. */
  private isAtRest({ state, unacknowledged, parts }: SimulatedDevice): boolean {
    const shown = this.ready?.broker.parts.fleet.find(parts.customer, parts.id);
    return state === 'connected' && unacknowledged === 0 && shown?.online === true;
  }

  /** It stops when it is told to, and leaves nothing behind. */
  private async end(): Promise<void> {
    const { world, machine, faults, devices } = this;
    const { running } = machine;
    for (const device of devices) device.stop();
    for (const guest of this.guests) guest.leave();
    void machine.stop();
    const stopped = await world.runUntil(world.time + STOP, () => machine.running === null);
    faults.check(RULES.stops, stopped, () => `the broker did not stop within ${STOP / 1000} s`);
    if (!stopped) return;
    const left = running ? world.pendingOf(running.process) : 0;
    faults.check(RULES.leaves, left === 0, () => `${left} timers wait after the stop`);
    const open = this.network.size;
    faults.check(RULES.leaves, open === 0, () => `${open} connections are open after the stop`);
  }
}
