/**
 * The judge of one viewer: everything that it is told was durable before, is its customer's and was asked for, does not go back and is
 * complete, and its pictures come to equal the state. It believes the chronicle and what the viewer itself has sent. Owns what it was told.
 */
import { toJson } from '../../broker/hub/json.ts';
import type {
  LiveEvent,
  LiveState,
  LiveUpdate,
  LiveValue,
  ServerMessage,
  Transition as ToldTransition,
} from '../../schemas/live.ts';
import type { Chronicle, DevicePast, Transition } from './chronicle.ts';
import type { Faults } from './judges.ts';
import type { Picture, PictureDevice } from './picture.ts';

export const VIEWER_RULES = {
  durable: 'a viewer is told what is durable',
  rises: 'revisions rise',
  own: 'a viewer sees its own customer only',
  asked: 'a viewer is told what it asked for',
  back: 'nothing that viewers are told goes back',
  events: 'each event is told once and in order',
  equal: 'pictures come to equal the state',
  pages: 'pages of a snapshot follow each other',
  slow: 'a viewer that does not read is closed, and no other',
  second: 'a viewer is told each second',
  closed: 'a viewer is closed for its reason',
  keys: 'a viewer is let in by its key and only so',
  errors: 'what is wrong with a message is said',
} as const;

/** What was on its way for so long at most when nothing holds it up; ms. */
export const SOON = 5000;
/** After the last time that a disk had no room, ends may be told that are not durable (docs/live.md has presence as it is); ms. */
const ROOM = 90_000;

export interface Coverage {
  readonly topic: string;
  readonly watched: ReadonlySet<string> | null;
}

export interface ViewerSubscription extends Coverage {
  readonly id: number;
  /** What it was before, as long as the broker may not have read the change. */
  readonly former: Coverage[];
  readonly picture: Picture;
  /** From when on it is certain to be told what becomes durable; virtual ms. */
  since: number;
}

export interface ViewerJudgeParts {
  readonly name: string;
  readonly faults: Faults;
  readonly chronicle: Chronicle;
  /** `*`: all. */
  readonly customer: string;
  /** Devices of a customer that there are at most, or of all. */
  readonly devicesOf: (customer: string) => number;
  /** When a disk last had no room; virtual ms. */
  readonly refusedAt: () => number;
  readonly subscriptions: () => readonly ViewerSubscription[];
}

/** Revisions that anybody was given, by the start of the broker that gave them. */
export class Revisions {
  private readonly highest = new Map<number, number>();

  add(start: number, rev: number): void {
    this.highest.set(start, Math.max(rev, this.highest.get(start) ?? 0));
  }

  /** By earlier ones. */
  before(start: number): number {
    let highest = 0;
    for (const [one, rev] of this.highest) if (one < start) highest = Math.max(highest, rev);
    return highest;
  }
}

export class ViewerJudge {
  private readonly parts: ViewerJudgeParts;
  private readonly revisions: Revisions;
  private start = 0;
  private floorOfStart = 0;
  private lastRev = 0;
  /** By device and metric, and by device: the place of what was told last. */
  private readonly toldValues = new Map<string, number>();
  private readonly toldPresence = new Map<string, number>();
  /** Of this connection. */
  private readonly toldTransitions = new Map<string, number>();
  private readonly toldEvents = new Map<string, number>();
  private readonly commandSteps = new Map<string, number>();
  private lastEventRev = 0;
  /** Events that were durable before may be missing; virtual ms. */
  private eventsFrom = 0;

  constructor(parts: ViewerJudgeParts, revisions: Revisions) {
    this.parts = parts;
    this.revisions = revisions;
  }

  connected(start: number, now: number): void {
    this.start = start;
    this.floorOfStart = this.revisions.before(start);
    this.toldEvents.clear();
    this.toldTransitions.clear();
    this.commandSteps.clear();
    this.lastEventRev = 0;
    this.eventsFrom = now;
  }

  told(message: ServerMessage, sentAt: number, now: number): void {
    const { rev } = message;
    this.check('rises', rev > this.lastRev && rev > this.floorOfStart, () => {
      return `${message.type} bears ${rev} after ${this.lastRev}; before this start ${this.floorOfStart} was given`;
    });
    this.lastRev = rev;
    this.revisions.add(this.start, rev);
    if (message.type === 'snapshot') for (const state of message.devices) this.toldState(state, sentAt);
    else if (message.type === 'update') for (const update of message.devices) this.toldUpdate(update, sentAt);
    else if (message.type === 'presence') {
      for (const one of message.devices) this.toldOfPresence(one, message.rev, sentAt);
    } else if (message.type === 'event') for (const event of message.events) this.toldEvent(event, sentAt);
    else if (message.type === 'command') {
      for (const { id, device, timeline } of message.commands) {
        this.mayKnow(device, 'command');
        const before = this.commandSteps.get(id) ?? 0;
        this.commandSteps.set(id, timeline.length);
        this.check('back', timeline.length >= before, () => `command ${id} has fewer steps than before`);
      }
    } else if (message.type === 'desired') {
      for (const { device } of message.devices) this.mayKnow(device, 'desired state');
    } else if (message.type === 'stats') {
      const { customer, devicesOf } = this.parts;
      const { total, online } = message.stats.devices;
      this.check('own', total <= devicesOf(customer) && online <= total, () => {
        return `stats say ${online} of ${total} devices are online; there are ${devicesOf(customer)}`;
      });
      this.check('own', (message.stats.broker !== undefined) === (customer === '*'), () => {
        return `stats ${customer === '*' ? 'do not speak' : 'speak'} of the broker`;
      });
    } else if (message.code === 'events-missed') this.eventsFrom = now;
  }

  /** Nothing has happened for a while that could be on its way: what was told is all, and equals the state. */
  settled(now: number): void {
    for (const subscription of this.parts.subscriptions()) {
      if (subscription.former.length > 0 || subscription.since > now - SOON) continue;
      for (const device of this.parts.chronicle.all()) {
        if (!this.isOwn(device.name) || !covers(subscription, device.name) || device.changedAt > now - SOON)
          continue;
        if (device.isDoubtful(now - SOON, now)) continue;
        this.compare(device, subscription, now);
      }
    }
  }

  private compare(device: DevicePast, subscription: ViewerSubscription, now: number): void {
    const { name } = device;
    const shown = subscription.picture.devices.get(name);
    const where = `${name} under ${subscription.topic}`;
    this.check('equal', (shown !== undefined) === device.isKnown, () => {
      return `${where} is ${shown ? 'shown' : 'not shown'}; it ${device.isKnown ? 'exists' : 'was forgotten'}`;
    });
    if (!shown) return;
    this.comparePresence(device, shown, now, where);
    if (subscription.watched === null || subscription.watched.has(name)) {
      const { values } = device.model;
      this.check('equal', shown.values.size === values.size, () => {
        return `${where} shows ${shown.values.size} metrics; ${values.size} are durable`;
      });
      for (const [metric, held] of values) {
        const value = shown.values.get(metric);
        this.check('equal', value !== undefined && isSame(value, held), () => {
          return `${where} shows ${metric} ${JSON.stringify(value)}; ${JSON.stringify(held)} is durable`;
        });
      }
    }
    this.checkMissing(device, Number.POSITIVE_INFINITY, now - SOON);
  }

  private comparePresence(device: DevicePast, shown: PictureDevice, now: number, where: string): void {
    const { current: last } = device;
    const { presence } = shown;
    if (last?.online && presence?.online === false && this.couldNotCommit(now)) return;
    this.check('equal', presence !== null && fitsPresence(presence, last), () => {
      return `${where} is shown ${wordsOf(presence)}; ${wordsOf(last ?? null)} is durable`;
    });
  }

  private toldState(state: LiveState, sentAt: number): void {
    this.mayKnow(state.device, 'snapshot');
    this.checkPresence(state, sentAt);
    this.checkValues(state.device, state.values, sentAt);
  }

  private toldUpdate({ device, values }: LiveUpdate, sentAt: number): void {
    this.mayKnow(device, 'update');
    const asked = this.parts.subscriptions().some((one) => {
      return [one, ...one.former].some((some) => covers(some, device) && wants(some, device));
    });
    this.check('asked', asked, () => `values of ${device} were told, which is not watched`);
    this.checkValues(device, values, sentAt);
  }

  private toldOfPresence(
    told: ToldTransition | { readonly device: string; readonly forgotten: true; readonly rev: number },
    messageRev: number,
    sentAt: number,
  ): void {
    const { device, rev } = told;
    this.mayKnow(device, 'presence');
    const before = this.toldTransitions.get(device) ?? 0;
    this.toldTransitions.set(device, rev);
    this.check('rises', rev >= before && rev < messageRev, () => {
      return `a transition of ${device} is number ${rev} after ${before}, in message ${messageRev}`;
    });
    if ('forgotten' in told) {
      const past = this.parts.chronicle.of(device);
      this.forgetDevice(past);
      this.check('durable', past.isDoubtful(0, sentAt), () => `${device} is said to be forgotten`);
    } else this.checkPresence(told, sentAt);
  }

  private checkPresence(told: ToldTransition | LiveState, sentAt: number): void {
    const device = this.parts.chronicle.of(told.device);
    if (this.skips(device, sentAt)) return;
    const isFirst = told.session === null;
    const found = device.transitions.find(sentAt, 0, (one) => fitsPresence(told, one));
    const { current: last } = device;
    const isExcused = !told.online && this.couldNotCommit(sentAt);
    const isTrue = found !== undefined || isExcused || (isFirst && fitsPresence(told, undefined));
    this.check('durable', isTrue, () => {
      return `${told.device} is told to be ${wordsOf(told)}; ${wordsOf(last ?? null)} is durable`;
    });
    const floor = this.toldPresence.get(told.device) ?? 0;
    const order = found?.order ?? floor;
    this.check('back', order >= floor && !(isFirst && floor > 0), () => {
      return `${told.device} is told to be ${wordsOf(told)}, which is older than what was told before`;
    });
    this.toldPresence.set(told.device, order);
  }

  private checkValues(name: string, values: Readonly<Record<string, LiveValue>>, sentAt: number): void {
    const device = this.parts.chronicle.of(name);
    if (this.skips(device, sentAt)) return;
    for (const [metric, value] of Object.entries(values)) {
      const id = `${name} ${metric}`;
      const floor = this.toldValues.get(id) ?? 0;
      const past = device.values.get(metric);
      const found = past?.find(sentAt, floor, ({ held }) => isSame(value, held));
      if (!found) {
        const isOlder = past?.find(sentAt, 0, ({ held }) => isSame(value, held)) !== undefined;
        const newest = JSON.stringify(past?.last?.held ?? null);
        this.check(isOlder ? 'back' : 'durable', false, () => {
          return `${id} is told as ${JSON.stringify(value)}; ${newest} is durable now`;
        });
        return;
      }
      this.check('durable', true, () => '');
      this.toldValues.set(id, found.order);
    }
  }

  private toldEvent(event: LiveEvent, sentAt: number): void {
    const { device: name, rev } = event;
    this.mayKnow(name, 'event');
    this.check('rises', rev > this.lastEventRev, () => `event ${rev} of ${name} after ${this.lastEventRev}`);
    this.lastEventRev = rev;
    const device = this.parts.chronicle.of(name);
    const told = this.toldEvents.get(name) ?? 0;
    const found = device.events.items.find(({ order, durableAt, ...past }) => {
      return order > told && durableAt <= sentAt && isSameEvent(event, past);
    });
    if (this.skips(device, sentAt)) {
      this.toldEvents.set(name, found?.order ?? told);
      return;
    }
    this.check('events', found !== undefined, () => {
      return `${JSON.stringify(event)} is not durable, or was told before`;
    });
    if (!found) return;
    this.checkMissing(device, found.order, sentAt);
    this.toldEvents.set(name, found.order);
  }

  /** Of those before the place `order`, and durable until `to`, all were told. */
  private checkMissing(device: DevicePast, order: number, to: number): void {
    const told = this.toldEvents.get(device.name) ?? 0;
    const from = Math.max(this.eventsFrom, this.coveredFrom(device.name), device.certainSince);
    const { items } = device.events;
    for (let at = items.length - 1; at >= 0; at -= 1) {
      const event = items[at] as (typeof items)[number];
      if (event.order <= told || event.durableAt <= from) break;
      this.check('events', event.order >= order || event.durableAt > to, () => {
        return `of ${device.name}, ${JSON.stringify(event)} was not told`;
      });
    }
  }

  /** The first that is certain covers it from then on; the oldest counts. */
  private coveredFrom(device: string): number {
    let from = Number.POSITIVE_INFINITY;
    for (const one of this.parts.subscriptions()) {
      if (one.former.length === 0 && covers(one, device)) from = Math.min(from, one.since);
    }
    return from;
  }

  private isOwn(device: string): boolean {
    const { customer } = this.parts;
    return customer === '*' || device.startsWith(`${customer}/`);
  }

  private mayKnow(device: string, what: string): void {
    const { customer, subscriptions } = this.parts;
    this.check('own', this.isOwn(device), () => {
      return `a viewer of ${customer} is told of ${device} (${what})`;
    });
    const asked = subscriptions().some((one) => [one, ...one.former].some((some) => covers(some, device)));
    this.check('asked', asked, () => `${device} was told (${what}), for which nothing was subscribed`);
  }

  /** What an operator does to it at this time may hold or not; then nothing is known of what was told before. */
  private skips(device: DevicePast, sentAt: number): boolean {
    if (!device.isDoubtful(sentAt - SOON, sentAt)) return false;
    this.forgetDevice(device);
    return true;
  }

  private forgetDevice(device: DevicePast): void {
    this.toldPresence.delete(device.name);
    for (const metric of device.values.keys()) this.toldValues.delete(`${device.name} ${metric}`);
  }

  private couldNotCommit(now: number): boolean {
    return this.parts.refusedAt() > now - ROOM;
  }

  private check(rule: keyof typeof VIEWER_RULES, holds: boolean, message: () => string): void {
    this.parts.faults.check(VIEWER_RULES[rule], holds, () => `${this.parts.name}: ${message()}`);
  }
}

export function covers({ topic }: Coverage, name: string): boolean {
  const [customer, device] = topic.split('/');
  const [ofCustomer, id] = name.split('/');
  return (customer === '+' || customer === ofCustomer) && (device === '+' || device === id);
}

function wants({ watched }: Coverage, device: string): boolean {
  return watched === null || watched.has(device);
}

function isSame(
  told: LiveValue,
  held: { readonly value: unknown; readonly at: number; readonly receivedAt: number },
) {
  return told.value === held.value && told.at === held.at && told.receivedAt === held.receivedAt;
}

function isSameEvent(
  told: LiveEvent,
  past: { name: string; severity: number; time: number; receivedAt: number; data: unknown },
) {
  return (
    told.name === past.name &&
    told.severity === past.severity &&
    told.time === past.time &&
    told.receivedAt === past.receivedAt &&
    JSON.stringify(told.data) === JSON.stringify(toJson(past.data as never))
  );
}

type ShownPresence = NonNullable<PictureDevice['presence']>;

function fitsPresence(told: ShownPresence, past: Transition | undefined): boolean {
  if (!past) return !told.online && told.session === null;
  return (
    told.online === past.online &&
    told.session === past.session &&
    told.since === past.since &&
    told.connectedAt === (past.online ? past.since : null) &&
    told.reason === past.reason &&
    (told.asleep?.until ?? null) === (past.sleep?.until ?? null) &&
    (told.asleep?.overdueAt ?? null) === (past.sleep?.overdueAt ?? null)
  );
}

function wordsOf(presence: ShownPresence | Transition | null): string {
  if (!presence) return 'nothing';
  const { online, session, since, reason } = presence;
  return `${online ? 'online' : 'offline'} by ${session} since ${since} (${reason})`;
}
