/**
 * What one connection of a viewer has subscribed to, and what it knows by that; also what the broker has not answered yet. What changes
 * is certain when a word that is sent after it is answered. Owns subscriptions, pictures and expected answers.
 */
import type { ClientMessage, LiveErrorCode, ServerMessage, SnapshotMessage } from '../../schemas/live.ts';
import { Picture } from './picture.ts';
import { covers, type ViewerSubscription } from './viewer-judge.ts';
import type { World } from './world.ts';

interface Expected {
  readonly code: LiveErrorCode;
  readonly id: number | undefined;
  readonly done: () => void;
}

export interface TopicsParts {
  readonly world: World;
  readonly send: (text: string) => void;
}

/** Ids from here on name no subscription: the answer says that everything before was read. */
const MARKERS = 1_000_000;

export class Topics {
  readonly byId = new Map<number, ViewerSubscription>();
  private readonly parts: TopicsParts;
  private markers = MARKERS;
  private markedAt = 0;
  private expected: Expected[] = [];
  /** Those that it has ended, as long as the broker may not have read that. */
  private readonly leaving = new Set<ViewerSubscription>();

  constructor(parts: TopicsParts) {
    this.parts = parts;
  }

  get all(): ViewerSubscription[] {
    return [...this.byId.values()];
  }

  clear(): void {
    this.byId.clear();
    this.leaving.clear();
    this.expected = [];
  }

  /** An id that is in use is given to the new topic. */
  subscribe(id: number, topic: string): void {
    const before = this.byId.get(id);
    const former = before ? [...before.former, { topic: before.topic, watched: before.watched }] : [];
    const picture = before?.picture ?? new Picture();
    this.byId.set(id, { id, topic, watched: null, former, picture, since: Number.POSITIVE_INFINITY });
    this.send({ type: 'subscribe', id, topic });
    this.mark();
  }

  unsubscribe(subscription: ViewerSubscription): void {
    const { id } = subscription;
    if (this.leaving.has(subscription)) return;
    this.send({ type: 'unsubscribe', id });
    const last = { ...subscription, since: Number.POSITIVE_INFINITY };
    this.byId.set(id, last);
    this.leaving.add(last);
    this.mark(() => {
      this.leaving.delete(last);
      if (this.byId.get(id) === last) this.byId.delete(id);
    });
  }

  /** Everything of the watched ones follows at once, and a snapshot when the watch ends. */
  watch(subscription: ViewerSubscription, devices: readonly string[] | null): void {
    const { id, topic, watched, former } = subscription;
    if (this.leaving.has(subscription)) return;
    this.send({ type: 'watch', id, devices: devices && [...devices] });
    this.byId.set(id, {
      ...subscription,
      watched: devices && new Set(devices),
      former: [...former, { topic, watched }],
      since: Number.POSITIVE_INFINITY,
    });
    this.mark();
  }

  /** Something that is wrong, and what is to be said about it. */
  sendWrong(text: string, code: LiveErrorCode, id?: number): void {
    this.parts.send(text);
    this.expected.push({ code, id, done: () => {} });
  }

  /** Again if an answer was left out, which it may be while the viewer reads too little. */
  markAgain(after: number): void {
    if (this.expected.length > 0 && this.parts.world.time - this.markedAt > after) this.mark();
  }

  /** What should have been said instead; null: this was expected. `skips`: some may have been left out. */
  answered(code: LiveErrorCode, id: number | undefined, skips: boolean): string | null {
    const at = this.expected.findIndex((one) => one.code === code && one.id === id);
    if (at < 0 || (at > 0 && !skips)) {
      const [next] = this.expected;
      return next ? `${next.code} of ${next.id}` : 'nothing';
    }
    const answered = this.expected.splice(0, at + 1);
    answered.at(-1)?.done();
    return null;
  }

  /** false: it is of no subscription, or came before the page that is before it. */
  addPage(message: SnapshotMessage): boolean {
    const subscription = this.byId.get(message.id);
    if (!subscription?.picture.page(message)) return false;
    this.settle(subscription);
    return true;
  }

  apply(message: ServerMessage): void {
    for (const subscription of this.byId.values()) applyTo(subscription, message);
  }

  private send(message: ClientMessage): void {
    this.parts.send(JSON.stringify(message));
  }

  /** A word about no subscription: its answer says that everything before was read. */
  private mark(done: () => void = () => {}): void {
    this.markers += 1;
    const id = this.markers;
    this.markedAt = this.parts.world.time;
    const now = this.all;
    this.send({ type: 'unsubscribe', id });
    const read = () => {
      for (const subscription of now) {
        if (this.byId.get(subscription.id) !== subscription) continue;
        subscription.former.length = 0;
        this.settle(subscription);
      }
      done();
    };
    this.expected.push({ code: 'unknown-subscription', id, done: read });
  }

  /** It is certain when its snapshot is whole and the broker is known to have read it. */
  private settle(subscription: ViewerSubscription): void {
    if (subscription.former.length > 0 || !subscription.picture.isWhole) return;
    subscription.since = Math.min(subscription.since, this.parts.world.time);
  }
}

function applyTo(subscription: ViewerSubscription, message: ServerMessage): void {
  const { picture } = subscription;
  if (message.type === 'update') {
    for (const update of message.devices) if (covers(subscription, update.device)) picture.update(update);
  } else if (message.type === 'presence') {
    for (const one of message.devices) {
      if (!covers(subscription, one.device)) continue;
      if ('forgotten' in one) picture.forget(one.device);
      else picture.come(one);
    }
  }
}
