/** What one viewer has subscribed to: owns its subscriptions and applies the client's messages to them. */
import { type ClientMessage, LIVE_LIMITS, type LiveErrorCode } from '../../schemas/live.ts';
import type { Caller } from '../access/caller.ts';
import { parseTopic, restrictTopic } from '../hub/fleet/topics.ts';
import { type CatchupParts, catchUpWatched } from './catchup.ts';
import type { Subscription } from './subscription.ts';

type MessageOf<Type extends ClientMessage['type']> = Extract<ClientMessage, { type: Type }>;
type Handlers = {
  readonly [Type in ClientMessage['type']]: (message: MessageOf<Type>) => LiveErrorCode | null;
};

export class Subscriptions {
  private readonly caller: Caller;
  private readonly parts: CatchupParts;
  private readonly byId = new Map<number, Subscription>();
  private list: readonly Subscription[] = [];
  private readonly handlers: Handlers = {
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
