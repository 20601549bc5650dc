/**
 * Encodes what changed since the last tick, once for everybody who has been told everything before: a fragment per
 * device, and whole messages where viewers have the same topics. Lives for one tick and owns these.
 */
import type { Device } from '../hub/fleet/device.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import type { CatchupParts } from './catchup.ts';
import { MessagePage, presenceFragment, updateFragments } from './encode.ts';
import { type Feed, feedPage } from './history.ts';
import { anyCovers, customerOf, interestOf, type Subscription } from './subscription.ts';

export interface TickParts extends CatchupParts {
  /** What one viewer may be told in one go. */
  readonly tickBytes: number;
}

export interface TickRange {
  /** The revision of the last tick, and of this one. */
  readonly since: number;
  readonly rev: number;
}

export class Tick implements TickRange {
  readonly since: number;
  readonly rev: number;
  private readonly parts: TickParts;
  private readonly changed: readonly Device[];
  private readonly byCustomer = new Map<string, Device[]>();
  private readonly updates = new Map<Device, readonly string[]>();
  private readonly messages = new Map<string, readonly Buffer[] | null>();

  constructor(parts: TickParts, changed: readonly Device[], { since, rev }: TickRange) {
    this.parts = parts;
    this.since = since;
    this.rev = rev;
    this.changed = changed.filter((device) => isKnown(parts.fleet, device));
    for (const device of this.changed) {
      const devices = this.byCustomer.get(device.customer);
      if (devices) devices.push(device);
      else this.byCustomer.set(device.customer, [device]);
    }
  }

  /** Whether no device changed, no command came further, and nothing else is news. */
  get empty(): boolean {
    return (
      this.changed.length === 0 && this.parts.history.feeds.every(({ recent }) => recent.newest <= this.since)
    );
  }

  /**
   * Everything of this tick that these subscriptions cover; shared between viewers that watch nothing in particular.
   * null: it is more than a tick may hold, and is told page by page instead.
   */
  messagesFor(subscriptions: readonly Subscription[]): readonly Buffer[] | null {
    if (subscriptions.some(({ watched }) => watched !== null)) return this.build(subscriptions);
    const key = subscriptions
      .map(({ topic }) => `${topic.customer}/${topic.device}`)
      .sort()
      .join(' ');
    const known = this.messages.get(key);
    if (known !== undefined) return known;
    const built = this.build(subscriptions);
    this.messages.set(key, built);
    return built;
  }

  private build(subscriptions: readonly Subscription[]): readonly Buffer[] | null {
    const messages: Buffer[] = [];
    let bytes = 0;
    for (const message of this.write(subscriptions)) {
      bytes += message.length;
      if (bytes > this.parts.tickBytes) return null;
      messages.push(message);
    }
    return messages;
  }

  private *write(subscriptions: readonly Subscription[]): Generator<Buffer, void> {
    if (subscriptions.length === 0) return;
    yield* this.presenceMessages(subscriptions);
    yield* this.updateMessages(subscriptions);
    for (const feed of this.parts.history.feeds) yield* this.feedMessages(feed, subscriptions);
  }

  private *presenceMessages(subscriptions: readonly Subscription[]): Generator<Buffer, void> {
    const { history, tickBytes } = this.parts;
    const page = new MessagePage(tickBytes);
    for (const { customer, device, fragment } of history.forgotten.after(
      this.since,
      customerOf(subscriptions),
    )) {
      if (anyCovers(subscriptions, customer, device)) page.add(fragment);
    }
    for (const device of this.candidates(subscriptions)) {
      if (device.presence.rev <= this.since || interestOf(subscriptions, device) === 'nothing') continue;
      page.add(presenceFragment(device));
      if (page.full) yield this.finish(page, 'presence');
    }
    if (!page.empty) yield this.finish(page, 'presence');
  }

  private *updateMessages(subscriptions: readonly Subscription[]): Generator<Buffer, void> {
    const page = new MessagePage(this.parts.tickBytes);
    for (const device of this.candidates(subscriptions)) {
      if (interestOf(subscriptions, device) !== 'values') continue;
      for (const fragment of this.updatesOf(device)) {
        page.add(fragment);
        if (page.full) yield this.finish(page, 'update');
      }
    }
    if (!page.empty) yield this.finish(page, 'update');
  }

  private *feedMessages(feed: Feed, subscriptions: readonly Subscription[]): Generator<Buffer, void> {
    const { fleet, tickBytes } = this.parts;
    let { since } = this;
    while (since < this.rev) {
      const range = { since, upTo: this.rev, pageCharacters: tickBytes };
      const { messages, toldTo } = feedPage(feed, fleet.revisions, subscriptions, range);
      yield* messages;
      since = toldTo;
    }
  }

  /** The changed devices of the one customer that a viewer names, or of all. */
  private candidates(subscriptions: readonly Subscription[]): readonly Device[] {
    const customer = customerOf(subscriptions);
    return customer === '*' ? this.changed : (this.byCustomer.get(customer) ?? []);
  }

  private updatesOf(device: Device): readonly string[] {
    const known = this.updates.get(device);
    if (known) return known;
    const fragments = [...updateFragments(device, this.since)];
    this.updates.set(device, fragments);
    return fragments;
  }

  private finish(page: MessagePage, type: 'presence' | 'update'): Buffer {
    return page.finish(`"type":"${type}","rev":${this.parts.fleet.revisions.next()}`, 'devices');
  }
}

/** A device that was forgotten since is told as such; a new one of its name is another object. */
function isKnown(fleet: Fleet, device: Device): boolean {
  return fleet.find(device.customer, device.id) === device;
}
