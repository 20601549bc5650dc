/**
 * Publishes the last-known state and the availability of devices, retained by the server, and clears both when a device is
 * forgotten. `RetainedFeed` owns which devices are due. A message is made only when the thread has room for it, so it is
 * the newest and a slow server costs no memory. After each connect the whole fleet is due, a few devices a turn.
 * `Forgotten` owns the names of devices to be cleared until the server has acknowledged that; after a restart the server's
 * own retained messages tell which are left (thread/bridge-thread.ts).
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { Device } from '../hub/fleet/device.ts';
import type { Changes, Fleet } from '../hub/fleet/fleet.ts';
import { splitName } from '../hub/fleet/topics.ts';
import type { Outgoing, ThreadWindow } from './outbound-queue.ts';
import { statePayload } from './payloads.ts';
import { type DeviceRoute, deviceTopic } from './topics.ts';

/** Beyond, the peer's own retained messages have to tell at the next connect. */
const NAMES = 100_000;

export class Forgotten {
  private readonly baseTopic: string;
  private readonly routes: readonly DeviceRoute[];
  /** `customer/device`: to be cleared, and with the thread. */
  private readonly waiting = new Set<string>();
  private readonly clearing = new Set<string>();

  /** `routes`: of which the peer retains something. */
  constructor(baseTopic: string, routes: readonly DeviceRoute[]) {
    this.baseTopic = baseTopic;
    this.routes = routes;
  }

  add(name: string): void {
    if (this.routes.length > 0 && this.waiting.size < NAMES) this.waiting.add(name);
  }

  /** A new connection: whether the last one took what it was given is not known. */
  clearAgain(): void {
    for (const name of this.clearing) this.waiting.add(name);
    this.clearing.clear();
  }

  /** Messages of at most `limit` devices. */
  next(limit: number): Outgoing[] {
    const messages: Outgoing[] = [];
    let count = 0;
    for (const name of this.waiting) {
      if (count >= limit) break;
      count += 1;
      this.waiting.delete(name);
      this.clearing.add(name);
      messages.push(...this.clear(name));
    }
    return messages;
  }

  /** Empty retained payloads (MQTT, section 3.3.1.3). */
  private clear(name: string): Outgoing[] {
    const { customer, device } = splitName(name);
    const settled = () => void this.clearing.delete(name);
    return this.routes.map((route, index) => ({
      topic: deviceTopic(this.baseTopic, customer, device, route),
      payload: '',
      qos: 1,
      retain: true,
      correlationData: null,
      ...(index === this.routes.length - 1 && { settled }),
    }));
  }
}

export interface RetainedRoute {
  readonly mode: 'newest' | 'off';
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface RetainedFeedParts {
  readonly fleet: Fleet;
  readonly window: ThreadWindow;
  readonly baseTopic: string;
  readonly state: RetainedRoute;
  readonly availability: RetainedRoute;
  /** Routes of which the peer holds something that has to go with the device. */
  readonly cleared: readonly DeviceRoute[];
  readonly clock: Clock;
}

/** When a device's state was made last: Unix ms, and the revision that it held. */
interface Made {
  readonly at: number;
  readonly rev: number;
}

const TICK_MS = 250;
/** At most one a second and device. */
const STATE_MS = 1000;
/** Devices for which messages are made in one turn of the event loop. */
const SLICE = 32;

export class RetainedFeed {
  private readonly parts: RetainedFeedParts;
  private changes: Changes | null = null;
  private timer: Timer | null = null;
  private undo: (() => void)[] = [];
  private connection: 'away' | 'connected' = 'away';
  private readonly forgotten: Forgotten;
  private readonly availabilityDue = new Set<Device>();
  private readonly stateDue = new Set<Device>();
  /** Without any metric; the peer may hold the state of one that was forgotten before. */
  private readonly emptyDue = new Set<Device>();
  /** Devices that changed less than a second after their state was published. */
  private readonly early = new Set<Device>();
  private made = new WeakMap<Device, Made>();
  private pumping: 'no' | 'soon' = 'no';
  private readonly leftBehind: ((customer: string, device: string) => void)[] = [];

  constructor(parts: RetainedFeedParts) {
    this.parts = parts;
    this.forgotten = new Forgotten(parts.baseTopic, parts.cleared);
  }

  start(): void {
    const { fleet, clock, availability } = this.parts;
    this.timer ??= clock.every(TICK_MS, () => this.tick());
    if (this.undo.length > 0) return;
    this.undo = [fleet.onForget((customer, device) => this.forget(`${customer}/${device}`))];
    if (availability.mode === 'off') return;
    this.undo.push(fleet.onPresence((device) => this.due(this.availabilityDue, device)));
  }

  /** Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    for (const undo of this.undo) undo();
    this.undo = [];
    this.lost();
  }

  /** Publishes everything again, since nobody knows what the peer holds. */
  connected(): void {
    const { fleet, availability, state } = this.parts;
    this.connection = 'connected';
    this.changes ??= fleet.trackChanges();
    this.made = new WeakMap();
    this.forgotten.clearAgain();
    for (const device of fleet.devices('*')) {
      if (availability.mode !== 'off') this.availabilityDue.add(device);
      if (state.mode === 'off') continue;
      if (hasMetrics(device)) this.stateDue.add(device);
      else if (state.retain) this.emptyDue.add(device);
    }
    this.pumpSoon();
  }

  /** While the peer is away nothing is tracked: each change would cost ingestion a little. */
  lost(): void {
    this.connection = 'away';
    if (this.changes) this.parts.fleet.untrackChanges(this.changes);
    this.changes = null;
    this.availabilityDue.clear();
    this.stateDue.clear();
    this.emptyDue.clear();
    this.early.clear();
  }

  onLeftBehind(listener: (customer: string, device: string) => void): void {
    this.leftBehind.push(listener);
  }

  /** Devices of which the peer retains something: those that nobody knows here were forgotten. */
  found(devices: readonly string[]): void {
    for (const name of devices) {
      const { customer, device } = splitName(name);
      if (this.parts.fleet.find(customer, device)) continue;
      this.forget(name);
      for (const listener of this.leftBehind) listener(customer, device);
    }
  }

  /** There is room in the window again. */
  pumpSoon(): void {
    if (this.pumping === 'soon' || this.connection === 'away') return;
    this.pumping = 'soon';
    this.parts.clock.soon(() => {
      this.pumping = 'no';
      this.pump();
    });
  }

  private forget(name: string): void {
    this.forgotten.add(name);
    this.pumpSoon();
  }

  private due(devices: Set<Device>, device: Device): void {
    if (this.connection === 'away') return;
    devices.add(device);
    this.pumpSoon();
  }

  private tick(): void {
    const { state } = this.parts;
    const changed = this.changes?.drain() ?? [];
    if (this.connection === 'away' || state.mode === 'off') return;
    for (const device of changed) this.early.add(device);
    const now = this.parts.clock.monotonic();
    for (const device of this.early) {
      if (now - (this.made.get(device)?.at ?? Number.NEGATIVE_INFINITY) < STATE_MS) continue;
      this.early.delete(device);
      this.stateDue.add(device);
    }
    this.pumpSoon();
  }

  private pump(): void {
    const { window } = this.parts;
    if (this.connection === 'away') return;
    const messages: Outgoing[] = [];
    const limit = Math.min(SLICE, window.room);
    messages.push(...this.forgotten.next(limit));
    this.makeDue(this.availabilityDue, limit, messages, (device) => this.availability(device));
    this.makeDue(this.emptyDue, limit, messages, (device) => this.noState(device));
    this.makeDue(this.stateDue, limit, messages, (device) => this.state(device));
    window.publish(messages);
    // Else the next settled ticket comes back here.
    if (messages.length > 0 && window.room > 0) this.pumpSoon();
  }

  private makeDue(
    due: Set<Device>,
    limit: number,
    messages: Outgoing[],
    make: (device: Device) => readonly Outgoing[],
  ): void {
    for (const device of due) {
      if (messages.length >= limit) return;
      due.delete(device);
      messages.push(...make(device));
    }
  }

  private availability(device: Device): readonly Outgoing[] {
    if (!this.isKnown(device)) return [];
    return [this.message(device, 'availability', device.online ? 'online' : 'offline')];
  }

  private state(device: Device): readonly Outgoing[] {
    const { clock } = this.parts;
    const { metrics, rev } = device;
    if (!this.isKnown(device)) return [];
    if (metrics.changedSince(this.made.get(device)?.rev ?? 0).next().done) return [];
    this.made.set(device, { at: clock.monotonic(), rev });
    return [this.message(device, 'state', statePayload(metrics.changedSince(0)))];
  }

  private noState(device: Device): readonly Outgoing[] {
    return this.isKnown(device) && !hasMetrics(device) ? [this.message(device, 'state', '')] : [];
  }

  private message(device: Device, route: 'state' | 'availability', payload: string): Outgoing {
    const { qos, retain } = this.parts[route];
    const topic = deviceTopic(this.parts.baseTopic, device.customer, device.id, route);
    return { topic, payload, qos, retain, correlationData: null };
  }

  private isKnown(device: Device): boolean {
    return this.parts.fleet.find(device.customer, device.id) === device;
  }
}

function hasMetrics({ metrics }: Device): boolean {
  return metrics.changedSince(0).next().done !== true;
}
