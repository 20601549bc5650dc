/**
 * The judges of telemetry: they see what was sent and promised, and what is durable, and say at once when the two do not fit. A fault ends
 * the run.
 */
import type { Value } from '../../broker/wire/frames.ts';
import type { DeviceJudge, SimulatedDevice } from './device.ts';
import type { DurableEntry } from './durable.ts';
import { Model, type ModelDevice } from './model.ts';
import type { World } from './world.ts';

export interface Fault {
  /** Virtual ms. */
  readonly at: number;
  readonly judge: string;
  readonly message: string;
}

/** Owns the faults, and how often each rule was put to the test. */
export class Faults {
  readonly found: Fault[] = [];
  readonly checks: Record<string, number> = {};
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** Rules that exist, so that one that is never put to the test is known by name. */
  declare(rules: readonly string[]): void {
    for (const rule of rules) this.checks[rule] ??= 0;
  }

  check(rule: string, holds: boolean, message: () => string): void {
    this.checks[rule] = (this.checks[rule] ?? 0) + 1;
    if (!holds) this.add(rule, message());
  }

  add(judge: string, message: string): void {
    this.world.note('judge', judge, message);
    this.found.push({ at: this.world.time, judge, message });
  }
}

/** What the broker shows of a device. */
export interface ShownDevice {
  readonly name: string;
  readonly online: boolean;
  readonly values: readonly { readonly name: string; readonly value: Value; readonly at: number }[];
}

/** 2.5 keepalives, and the longest time for which a process is held; ms. */
const LONG_SILENCE = 300_000;

const RULES = [
  'in the log once',
  'acknowledged is durable',
  'resume says what is held',
  'state is what was acknowledged',
  'presence is true',
  'hello is answered when it is durable',
  'nobody is online by an earlier life',
  'who is forgotten stays so',
  'who is silent is away',
] as const;

export class TelemetryJudge implements DeviceJudge {
  readonly model = new Model();
  private readonly faults: Faults;
  /** Devices that are being forgotten: whether they are, nobody knows yet. */
  private readonly uncertain: ReadonlySet<string>;

  constructor(faults: Faults, uncertain: ReadonlySet<string>) {
    this.faults = faults;
    this.uncertain = uncertain;
    faults.declare(RULES);
  }

  /** Of the disk: this is durable now. */
  durable(entry: DurableEntry, process: string): void {
    this.model.apply(entry, process);
    const device = this.model.of(`${entry.source.customer}/${entry.source.device}`);
    this.check('in the log once', device.repeated.length === 0, () => {
      return `${device.name}: the log holds ${device.repeated[0]} twice`;
    });
  }

  acknowledged(device: SimulatedDevice, boot: string, seq: number, dropped: readonly number[]): void {
    const known = this.model.of(device.name);
    const missing = dropped.find((one) => !known.frames.has(`${boot}/${one}`));
    this.check('acknowledged is durable', missing === undefined, () => {
      return `${device.name}: ${boot}/${missing} was acknowledged (up to ${seq}) and is not durable`;
    });
  }

  resumed(device: SimulatedDevice, boot: string, seq: number, heldBefore: number): void {
    const held = this.heldByModel(device, boot);
    const isKnown = this.model.of(device.name).introduced.has(device.session);
    this.check('hello is answered when it is durable', isKnown, () => {
      return `${device.name}: the hello of session ${device.session} was answered and is not durable`;
    });
    this.check('resume says what is held', seq >= heldBefore && seq <= held, () => {
      return `${device.name}: hello of ${boot} was answered with ${seq}; ${heldBefore} was durable when it was sent, ${held} is now`;
    });
  }

  heldOf(device: SimulatedDevice, boot: string): number {
    // Of one that is just being forgotten nothing need be held.
    return this.uncertain.has(device.name) ? 0 : this.heldByModel(device, boot);
  }

  private heldByModel(device: SimulatedDevice, boot: string): number {
    return this.model.of(device.name).durable.get(boot) ?? 0;
  }

  /** When everything durable has been applied: what is shown is what the model says, of every device. */
  compare(shown: readonly ShownDevice[], except: ReadonlySet<string>, process: string): void {
    const byName = new Map(shown.map((device) => [device.name, device]));
    for (const device of this.model.all()) {
      if (!except.has(device.name)) this.compareDevice(device, byName.get(device.name), process);
    }
  }

  private compareDevice(device: ModelDevice, shown: ShownDevice | undefined, process: string): void {
    const values = shown?.values ?? [];
    this.check('who is forgotten stays so', device.isKnown === (shown !== undefined), () => {
      return `${device.name} is ${shown ? 'shown, though nobody knows it' : 'not shown'}`;
    });
    const online = shown?.online ?? false;
    this.check('state is what was acknowledged', values.length === device.values.size, () => {
      return `${device.name} shows ${values.length} metrics, the model ${device.values.size}`;
    });
    for (const { name, value, at } of values) {
      const expected = device.values.get(name);
      this.check('state is what was acknowledged', expected?.value === value && expected.at === at, () => {
        return `${device.name} shows ${name} = ${value} of ${at}, the model ${expected?.value} of ${expected?.at}`;
      });
    }
    this.check('nobody is online by an earlier life', !online || device.openedBy === process, () => {
      return `${device.name} is shown online in ${process}; its session was opened in ${device.openedBy}`;
    });
    this.check('presence is true', online === device.online, () => {
      return `${device.name} is shown ${online ? 'online' : 'offline'}; the log says otherwise`;
    });
  }

  /** P-7.1: a device that has had no connection for so long is not shown as connected. */
  compareSilence(devices: readonly SimulatedDevice[], shown: readonly ShownDevice[], now: number): void {
    const online = new Set(shown.filter((device) => device.online).map(({ name }) => name));
    for (const { name, awaySince } of devices) {
      const isLong = awaySince !== null && now - awaySince > LONG_SILENCE;
      this.check('who is silent is away', !isLong || !online.has(name), () => {
        return `${name} is shown online, and has had no connection since ${awaySince}`;
      });
    }
  }

  private check(rule: (typeof RULES)[number], holds: boolean, message: () => string): void {
    this.faults.check(rule, holds, message);
  }
}
