/**
 * What was durable when: of each device its values, its comings and goings and its events, each with the moment from which on somebody could
 * be told. From the model and what can be heard in a box. Owns what may still be on its way to somebody.
 */
import type { SessionSleep } from '../../broker/store/batch.ts';
import type { DeviceRow } from '../../broker/store/ports.ts';
import type { MethodCall } from '../../broker/store/sqlite/methods.ts';
import type { Value } from '../../broker/wire/frames.ts';
import type { DurableEntry } from './durable.ts';
import type { Ears } from './ears.ts';
import { eventTime, type Model, type ModelDevice, type ModelValue } from './model.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

/** What was replaced longer ago than this is on its way to nobody; ms. */
const MEMORY = 900_000;
const FEW = 256;

/** Something that is durable since a moment of the world, and its place among its like. */
interface Dated {
  /** Virtual ms. */
  readonly durableAt: number;
  /** Rises. */
  readonly order: number;
}

export interface Version extends Dated {
  readonly held: ModelValue;
}

export interface Transition extends Dated {
  readonly online: boolean;
  readonly session: string;
  readonly since: number;
  readonly reason: string | null;
  readonly sleep: SessionSleep | null;
  readonly position: number;
}

export interface PastEvent extends Dated {
  readonly name: string;
  readonly severity: number;
  readonly time: number;
  readonly receivedAt: number;
  readonly data: Value;
}

/** A list of which what is old falls out. */
export class Past<Item extends Dated> {
  items: Item[] = [];
  private prunedAt = FEW;

  get last(): Item | undefined {
    return this.items.at(-1);
  }

  add(item: Item): void {
    this.items.push(item);
    if (this.items.length < this.prunedAt) return;
    const first = this.items.findIndex(({ durableAt }) => durableAt > item.durableAt - MEMORY);
    // The one before was valid until then.
    this.items = this.items.slice(Math.max(0, first - 1));
    this.prunedAt = 2 * Math.max(FEW, this.items.length);
  }

  /** The newest that was durable at `time`, not before `from`, and fits. */
  find(time: number, from: number, fits: (item: Item) => boolean): Item | undefined {
    for (let at = this.items.length - 1; at >= 0; at -= 1) {
      const item = this.items[at] as Item;
      if (item.order < from) return undefined;
      if (item.durableAt <= time && fits(item)) return item;
    }
    return undefined;
  }
}

export class DevicePast {
  readonly name: string;
  readonly values = new Map<string, Past<Version>>();
  readonly transitions = new Past<Transition>();
  /** Its newest; undefined: it has not come since it is known. */
  current: Transition | undefined;
  readonly events = new Past<PastEvent>();
  /** Sessions and metrics as they are now. */
  readonly model: ModelDevice;
  /** The last thing that became durable of it; virtual ms. */
  changedAt = 0;
  /** Whether anybody has been told that it exists: it has a key, or came since it was forgotten. */
  isKnown = true;
  /** Since when an operator's word about it may hold or not; the end of the last such time. */
  private doubtFrom = Number.NEGATIVE_INFINITY;
  private doubtTo = Number.NEGATIVE_INFINITY;
  private doubts = 0;
  eventsSeen = 0;

  constructor(model: ModelDevice) {
    this.name = model.name;
    this.model = model;
  }

  /** Whether it could have been forgotten, or not, at some time between. */
  isDoubtful(from: number, to: number): boolean {
    return from <= this.doubtTo && to >= this.doubtFrom;
  }

  /** Since when nothing was asked about it; virtual ms. */
  get certainSince(): number {
    return this.doubtTo;
  }

  doubt(world: World): () => void {
    if (this.doubts === 0) this.doubtFrom = world.time;
    this.doubts += 1;
    this.doubtTo = Number.POSITIVE_INFINITY;
    let state: 'open' | 'over' = 'open';
    return () => {
      if (state === 'over') return;
      state = 'over';
      this.doubts -= 1;
      if (this.doubts === 0) this.doubtTo = world.time;
    };
  }
}

export interface ChronicleParts {
  readonly world: World;
  readonly model: Model;
  /** That runs now. */
  readonly process: () => SimulatedProcess | null;
}

export class Chronicle implements Ears {
  private readonly parts: ChronicleParts;
  private readonly devices = new Map<string, DevicePast>();
  private order = 0;

  constructor(parts: ChronicleParts) {
    this.parts = parts;
  }

  of(name: string): DevicePast {
    const known = this.devices.get(name) ?? new DevicePast(this.parts.model.of(name));
    this.devices.set(name, known);
    return known;
  }

  all(): IterableIterator<DevicePast> {
    return this.devices.values();
  }

  durable(entry: DurableEntry): void {
    const device = this.of(`${entry.source.customer}/${entry.source.device}`);
    if (entry.kind === 'session') {
      this.addTransition(device, entry);
      return;
    }
    const { frame, arrival } = entry;
    device.changedAt = this.parts.world.time;
    if (frame.kind === 3 && device.model.events > device.eventsSeen) {
      const { name, severity, data } = frame;
      const time = eventTime(frame.time, arrival);
      device.events.add({ ...this.now(), name, severity, time, receivedAt: arrival, data });
    }
    device.eventsSeen = device.model.events;
    if (frame.kind === 1 || frame.kind === 2) this.compareValues(device);
  }

  stored({ method, args }: MethodCall): void {
    if (method !== 'saveDevices') return;
    for (const { customer, device, position, body } of args[0] as readonly DeviceRow[]) {
      if (body === null) this.forgotten(this.of(`${customer}/${device}`), Number(position));
    }
  }

  forgetting(name: string): () => void {
    const certain = this.of(name).doubt(this.parts.world);
    this.parts.process()?.onDeath(certain);
    return certain;
  }

  private forgotten(device: DevicePast, position: number): void {
    device.changedAt = this.parts.world.time;
    device.eventsSeen = device.model.events;
    const since = device.transitions.items.filter((one) => one.position >= position);
    device.current = undefined;
    for (const one of since) this.enter(device, { ...one, ...this.now() });
    device.isKnown = since.some(({ online }) => online);
    this.compareValues(device);
  }

  /** Only of the session that is the newest something is told when it ends (P-1.6). */
  private addTransition(device: DevicePast, entry: Extract<DurableEntry, { kind: 'session' }>): void {
    const { source, at, event, position } = entry;
    const { session } = source;
    const last = device.current;
    if (event.type === 'ready') return;
    if (event.type === 'ended' && !(last?.online && last.session === session)) return;
    device.changedAt = this.parts.world.time;
    const told = { ...this.now(), session, since: at, position };
    if (event.type === 'opened') {
      device.isKnown = true;
      this.enter(device, { ...told, online: true, reason: null, sleep: null });
    } else this.enter(device, { ...told, online: false, reason: event.reason, sleep: event.sleep });
  }

  private enter(device: DevicePast, transition: Transition): void {
    device.transitions.add(transition);
    device.current = transition;
  }

  private compareValues(device: DevicePast): void {
    for (const [name, held] of device.model.values) {
      const past = device.values.get(name) ?? new Past<Version>();
      device.values.set(name, past);
      if (past.last?.held !== held) past.add({ ...this.now(), held });
    }
  }

  private now(): Dated {
    this.order += 1;
    return { durableAt: this.parts.world.time, order: this.order };
  }
}
