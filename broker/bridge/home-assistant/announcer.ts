/**
 * Announces devices to Home Assistant: each one when the bridge connects, when Home Assistant has started again, and when
 * its description or the kinds of its values change. Withdraws a device that is forgotten. Owns what was announced and the
 * queue of what is due: each device once, however long the server is away.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Device, DeviceDescription } from '../../hub/fleet/device.ts';
import type { Changes, Fleet } from '../../hub/fleet/fleet.ts';
import { discoveryTopic, homeAssistantStatusTopic } from '../topics.ts';
import { type DiscoveryOptions, discoveryPayload, type EntityKind, entityKind } from './discovery.ts';

export interface AnnouncerParts {
  readonly fleet: Pick<
    Fleet,
    'devices' | 'find' | 'trackChanges' | 'untrackChanges' | 'revisions' | 'onForget'
  >;
  readonly options: DiscoveryOptions;
  /** `homeassistant` */
  readonly prefix: string;
  /** Retained, at QoS 1; an empty payload takes a device away. false: too much waits, try again later. */
  readonly publish: (topic: string, payload: string) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What devices changed is looked at this often; ms. */
const LOOK = 2000;
/** Announcements between two turns, so that a fleet of many devices holds nobody up, and how long apart; ms. */
const SLICE = 200;
const APART = 20;

interface Announced {
  readonly device: string;
  readonly payload: string;
  /** What it was made of: every device that measures is looked at again, and few of them have anything to tell. */
  readonly description: DeviceDescription;
  readonly kinds: ReadonlyMap<string, EntityKind>;
}

export class Announcer {
  private readonly parts: AnnouncerParts;
  /** By topic. */
  private readonly announced = new Map<string, Announced>();
  private readonly waiting = new Set<Device>();
  /** Topics of devices that were forgotten. */
  private readonly gone = new Set<string>();
  private changes: Changes | null = null;
  private timers: Timer[] = [];
  private pump: Timer | null = null;
  private undo: (() => void) | null = null;
  private state: 'new' | 'connected' = 'new';

  constructor(parts: AnnouncerParts) {
    this.parts = parts;
  }

  /** Where Home Assistant says that it has started: to be subscribed to, and passed on to `receive`. */
  get statusTopic(): string {
    return homeAssistantStatusTopic(this.parts.prefix);
  }

  start(): void {
    if (this.changes) return;
    const { fleet, clock } = this.parts;
    this.changes = fleet.trackChanges();
    this.timers = [clock.every(LOOK, () => this.look())];
    this.undo = fleet.onForget((customer, device) => this.withdraw(customer, device));
  }

  /** Idempotent. */
  stop(): void {
    for (const timer of this.timers.splice(0)) timer.cancel();
    this.pump?.cancel();
    this.pump = null;
    this.undo?.();
    this.undo = null;
    if (this.changes) this.parts.fleet.untrackChanges(this.changes);
    this.changes = null;
  }

  /** Announces every device again at each connect, since the peer may have lost everything. */
  connected(): void {
    this.state = 'connected';
    this.announceAll();
  }

  /** A message on `statusTopic`. */
  receive(payload: string): void {
    if (payload === 'online' && this.state === 'connected') this.announceAll();
  }

  /** It was forgotten; the peer may hold it. */
  withdraw(customer: string, id: string): void {
    const topic = discoveryTopic(this.parts.prefix, customer, id);
    const known = this.announced.get(topic);
    if (known && known.device !== `${customer}/${id}`) return;
    this.announced.delete(topic);
    this.gone.add(topic);
    this.pumpSoon();
  }

  private announceAll(): void {
    this.announced.clear();
    for (const device of this.parts.fleet.devices('*')) this.waiting.add(device);
    this.pumpSoon();
  }

  private look(): void {
    const changed = this.changes?.drain() ?? [];
    if (this.state === 'new') return;
    for (const device of changed) this.waiting.add(device);
    this.pumpSoon();
  }

  private pumpSoon(): void {
    if (this.waiting.size === 0 && this.gone.size === 0) return;
    this.pump ??= this.parts.clock.after(APART, () => {
      this.pump = null;
      // Without room the next look takes it up again.
      if (this.publishSome()) this.pumpSoon();
    });
  }

  /** One slice, first who is gone: it may be back under the same topic. false: there was no room for all of it. */
  private publishSome(): boolean {
    let left = SLICE;
    for (const topic of this.gone) {
      if (left === 0) return true;
      left -= 1;
      if (!this.parts.publish(topic, '')) return false;
      this.gone.delete(topic);
    }
    for (const device of this.waiting) {
      if (left === 0) return true;
      left -= 1;
      if (!this.announce(device)) return false;
      this.waiting.delete(device);
    }
    return true;
  }

  /** false: there was no room. */
  private announce(device: Device): boolean {
    const { fleet, options, prefix, publish, logger } = this.parts;
    if (fleet.find(device.customer, device.id) !== device) return true;
    const topic = discoveryTopic(prefix, device.customer, device.id);
    const known = this.announced.get(topic);
    if (known && known.device !== device.name) {
      logger.debug({ device: device.name, other: known.device }, 'Two devices share a discovery topic.');
      return true;
    }
    if (known && isAsAnnounced(known, device)) return true;
    const { customer, id, description } = device;
    const kinds = kindsOf(device);
    const payload = discoveryPayload({ customer, id, ...description, metrics: kinds }, options);
    if (known?.payload !== payload && !publish(topic, payload)) return false;
    this.announced.set(topic, { device: device.name, payload, description, kinds });
    return true;
  }
}

function isAsAnnounced({ description, kinds }: Announced, device: Device): boolean {
  if (device.description !== description) return false;
  let known = 0;
  for (const { name, value } of device.metrics.changedSince(0)) {
    const kind = entityKind(value);
    if (kind === null) continue;
    if (kinds.get(name) !== kind) return false;
    known += 1;
  }
  return known === kinds.size;
}

function kindsOf(device: Device): ReadonlyMap<string, EntityKind> {
  const kinds = new Map<string, EntityKind>();
  for (const { name, value } of device.metrics.changedSince(0)) {
    const kind = entityKind(value);
    if (kind !== null) kinds.set(name, kind);
  }
  return kinds;
}
