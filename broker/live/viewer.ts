/**
 * Tells one viewer what it has subscribed to. Owns its subscriptions, its unread messages and how far it has been told.
 * Writes to its transport only while little waits there; else its ticks are skipped. It catches up from the fleet's
 * state when it reads again, and the channel closes it when it does not read for long.
 */
import { type ClientMessage, LIVE_LIMITS, type LiveErrorCode } from '../../schemas/live.ts';
import type { Caller } from '../access/caller.ts';
import type { Clock } from '../base/clock.ts';
import type { Counters } from '../hub/counters.ts';
import { parseTopic, restrictTopic } from '../hub/fleet/topics.ts';
import { type CatchupParts, catchUp, catchUpWatched } from './catchup.ts';
import { errorMessage, readClientMessage } from './encode.ts';
import { type Feed, feedPage } from './history.ts';
import { customerOf, type Subscription } from './subscription.ts';
import type { Tick, TickParts } from './tick.ts';
import { StallDetector, type ViewerTransport } from './transport.ts';

type MessageOf<Type extends ClientMessage['type']> = Extract<ClientMessage, { type: Type }>;
type MessageHandlers = {
  readonly [Type in ClientMessage['type']]: (message: MessageOf<Type>) => LiveErrorCode | null;
};

/** What one viewer has subscribed to: owns its subscriptions and applies the client's messages to them. */
class Subscriptions {
  private readonly caller: Caller;
  private readonly parts: CatchupParts;
  private readonly byId = new Map<number, Subscription>();
  private list: readonly Subscription[] = [];
  private readonly handlers: MessageHandlers = {
    subscribe: (message) => this.subscribe(message),
    watch: (message) => this.watch(message),
    unsubscribe: (message) => this.unsubscribe(message),
  };

  constructor(caller: Caller, parts: CatchupParts) {
    this.caller = caller;
    this.parts = parts;
  }

  get all(): readonly Subscription[] {
    return this.list;
  }

  /** Returns what was wrong with the message, which then changed nothing. */
  apply(message: ClientMessage): LiveErrorCode | null {
    const handle = this.handlers[message.type] as (message: ClientMessage) => LiveErrorCode | null;
    return handle(message);
  }

  /** An id that is in use is given to the new topic. */
  private subscribe({ id, topic: text }: MessageOf<'subscribe'>): LiveErrorCode | null {
    const asked = parseTopic(text);
    if (!asked) return 'bad-topic';
    const topic = restrictTopic(asked, this.caller.customer);
    if (!topic) return 'not-found';
    if (!this.byId.has(id) && this.byId.size >= LIVE_LIMITS.subscriptions) return 'too-many-subscriptions';
    this.byId.set(id, { id, topic, watched: null, toldTo: 0, catchup: null });
    this.list = [...this.byId.values()];
    return null;
  }

  /** A subscription that has not had its snapshot gets it for the watched devices; so does one whose watch ends. */
  private watch({ id, devices }: MessageOf<'watch'>): LiveErrorCode | null {
    const subscription = this.byId.get(id);
    if (!subscription) return 'unknown-subscription';
    if (devices && devices.length > LIVE_LIMITS.watchedDevices) return 'too-many-devices';
    subscription.watched = devices ? new Set(devices) : null;
    if (!devices) subscription.toldTo = 0;
    subscription.catchup =
      subscription.toldTo === 0
        ? null
        : catchUpWatched(this.parts, subscription, this.parts.fleet.revisions.current);
    return null;
  }

  private unsubscribe({ id }: MessageOf<'unsubscribe'>): LiveErrorCode | null {
    if (!this.byId.delete(id)) return 'unknown-subscription';
    this.list = [...this.byId.values()];
    return null;
  }
}

/** A viewer whose bytes have waited for this long is closed; ms. */
export const PATIENCE = 10_000;

export interface ViewerParts extends TickParts {
  readonly counters: Counters;
  readonly clock: Clock;
  /** Bytes that may wait at most. */
  readonly viewerBytes: number;
}

/** How far one feed has been told. */
interface FeedProgress {
  readonly feed: Feed;
  toldTo: number;
}

export class Viewer {
  readonly caller: Caller;
  private readonly parts: ViewerParts;
  private readonly transport: ViewerTransport;
  private readonly subscriptions: Subscriptions;
  private readonly stall = new StallDetector();
  /** Events, commands and desired state; what came before the viewer is not told. */
  private readonly feeds: readonly FeedProgress[];
  /** Messages that nobody has looked at yet. */
  private readonly unread: string[] = [];
  /** The last tick: what a subscription has not been told of before it, it is behind with. */
  private lastTick: number;

  constructor(parts: ViewerParts, transport: ViewerTransport, caller: Caller, lastTick: number) {
    this.parts = parts;
    this.transport = transport;
    this.caller = caller;
    this.subscriptions = new Subscriptions(caller, parts);
    const { current } = parts.fleet.revisions;
    this.feeds = parts.history.feeds.map((feed) => ({ feed, toldTo: current }));
    this.lastTick = lastTick;
  }

  /** Whether there is more to tell before the next tick. */
  get behind(): boolean {
    const { feeds, subscriptions, unread } = this;
    if (unread.length > 0) return true;
    return feeds.some((one) => this.owes(one)) || subscriptions.all.some((one) => this.isBehind(one));
  }

  /** Keeps a message until there is time for it; its socket is not read for long if there are many. */
  receive(text: string): void {
    this.unread.push(text);
  }

  /** Does what the next few messages say. */
  read(most: number): void {
    for (const text of this.unread.splice(0, most)) this.apply(text);
  }

  /** Answers what is wrong with the message. */
  private apply(text: string): void {
    const message = text.length > LIVE_LIMITS.messageBytes ? null : readClientMessage(text);
    const error = message ? this.subscriptions.apply(message) : 'bad-message';
    if (error) this.offer(errorMessage(this.parts.fleet.revisions.next(), error, message?.id));
  }

  /** A message that may be left out if too much waits. */
  offer(message: Buffer): void {
    if (this.comfortable) this.send(message);
  }

  /** For `late` ms the process did not run. */
  excuse(late: number): void {
    this.stall.excuse(late);
  }

  /** Whether the viewer has not read for too long. */
  get stuck(): boolean {
    return this.stall.waiting(this.transport.bufferedBytes, this.parts.clock.monotonic()) >= PATIENCE;
  }

  /** Tells what changed since the last tick, if everything before was told and it fits; else see `pump`. */
  tick(tick: Tick): void {
    this.lastTick = tick.rev;
    const { all } = this.subscriptions;
    if (!this.comfortable) {
      if (!tick.empty) this.parts.counters.viewerSkips += 1;
      return;
    }
    if (!this.isLevel(tick)) return;
    const messages = tick.messagesFor(all);
    if (!messages) return;
    for (const message of messages) this.send(message);
    for (const subscription of all) subscription.toldTo = tick.rev;
    for (const one of this.feeds) one.toldTo = tick.rev;
  }

  /** There is no time for it in this tick: it is behind now. */
  postpone({ rev }: Tick): void {
    this.lastTick = rev;
  }

  /**
   * Tells what is owed up to revision `upTo`, the newest one: most behind first, about `budget` bytes, and only while
   * the transport takes them. Returns the bytes.
   */
  pump(budget: number, upTo: number): number {
    let sent = 0;
    for (const one of this.feeds) sent += this.pumpFeed(one, budget - sent, upTo);
    const owed = this.subscriptions.all.filter((one) => this.isBehind(one));
    for (const subscription of owed.sort((a, b) => a.toldTo - b.toldTo)) {
      sent += this.pumpState(subscription, budget - sent, upTo);
    }
    return sent;
  }

  close(code: number, reason: string): void {
    this.transport.close(code, reason);
  }

  private pumpFeed(told: FeedProgress, budget: number, upTo: number): number {
    let sent = 0;
    while (this.owes(told) && sent < budget && this.comfortable) {
      const { fleet, pageCharacters } = this.parts;
      const range = { since: told.toldTo, upTo, pageCharacters };
      const { messages, toldTo } = feedPage(told.feed, fleet.revisions, this.subscriptions.all, range);
      for (const message of messages) sent += this.send(message);
      told.toldTo = toldTo;
    }
    return sent;
  }

  private pumpState(subscription: Subscription, budget: number, upTo: number): number {
    let sent = 0;
    while (this.isBehind(subscription) && sent < budget && this.comfortable) {
      subscription.catchup ??= catchUp(this.parts, subscription, upTo);
      const next = subscription.catchup.messages.next();
      if (!next.done) {
        sent += this.send(next.value);
        continue;
      }
      subscription.toldTo = subscription.catchup.toldTo;
      subscription.catchup = null;
    }
    return sent;
  }

  /** Told everything up to the last tick and nothing beyond, so that what all others get fits. */
  private isLevel({ since }: Tick): boolean {
    const { all } = this.subscriptions;
    const { forgotten } = this.parts.history;
    if (!forgotten.holdsAllAfter(since, customerOf(all))) return false;
    if (this.feeds.some(({ toldTo }) => toldTo !== since)) return false;
    return all.every(({ toldTo, catchup }) => toldTo === since && catchup === null);
  }

  private owes({ toldTo }: FeedProgress): boolean {
    return toldTo < this.lastTick;
  }

  private isBehind({ toldTo, catchup }: Subscription): boolean {
    return catchup !== null || toldTo < this.lastTick;
  }

  /** A quarter may wait; a message is never longer than the rest. */
  private get comfortable(): boolean {
    return this.transport.bufferedBytes <= this.parts.viewerBytes / 4;
  }

  private send(message: Buffer): number {
    this.stall.wrote(message.length);
    this.transport.send(message);
    return message.length;
  }
}
