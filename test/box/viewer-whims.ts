/** What a viewer does of its own accord while it is connected, by its character. Owns when it does the next thing. */
import type { Timer } from '../../broker/base/clock.ts';
import type { LiveErrorCode } from '../../schemas/live.ts';
import type { SeededRandom } from './random.ts';
import type { Viewer } from './viewer.ts';
import type { ViewerSubscription } from './viewer-judge.ts';

/** Share of each deed, beside the others. */
const DEEDS = [
  'subscribe',
  'subscribe',
  'unsubscribe',
  'watch',
  'watch',
  'mistake',
  'provoke',
  'cut',
] as const;
const MISTAKES: readonly (readonly [text: string, code: LiveErrorCode, id?: number])[] = [
  ['{', 'bad-message'],
  ['[]', 'bad-message'],
  ['{"type":"subscribe","id":-1,"topic":"+/+"}', 'bad-message'],
  ['{"type":"subscribe","id":77,"topic":"+"}', 'bad-topic', 77],
  ['{"type":"watch","id":78,"devices":null}', 'unknown-subscription', 78],
];
const FOREIGN = 79;
/** Its own; of these it changes what they are about. */
const IDS = 4;

export class ViewerWhims {
  private readonly viewer: Viewer;
  private readonly random: SeededRandom;
  /** ms between two of them. */
  private readonly every: number;
  /** Share of them in which it stops reading. */
  private readonly pauses: number;
  private timer: Timer | null = null;

  constructor(viewer: Viewer, random: SeededRandom) {
    this.viewer = viewer;
    this.random = random;
    this.every = random.pick([5000, 30_000, 200_000]);
    this.pauses = random.pick([0, 0.1, 0.4]);
  }

  /** It is connected. */
  begin(): void {
    const { topics, parts } = this.viewer;
    topics.subscribe(1, parts.topics[0] as string);
    if (this.random.chance(0.4)) topics.subscribe(2, this.random.pick(parts.topics));
  }

  start(): void {
    const pause = this.random.between(this.every / 2, this.every * 1.5);
    const next = () => {
      const { state, calm, reading } = this.viewer;
      if (state === 'connected' && !calm && reading === 'reading') this.act();
      this.start();
    };
    this.timer = this.viewer.parts.world.after(pause, next, null);
  }

  stop(): void {
    this.timer?.cancel();
  }

  private act(): void {
    const { random, viewer } = this;
    if (random.chance(this.pauses)) {
      viewer.pause(random.pick([500, 5000, 15_000, 40_000]));
      return;
    }
    const { topics } = viewer;
    const id = random.whole(1, IDS);
    const known = topics.byId.get(id);
    const deed = random.pick(DEEDS);
    if (!known || deed === 'subscribe') topics.subscribe(id, random.pick(viewer.parts.topics));
    else if (deed === 'unsubscribe') topics.unsubscribe(known);
    else if (deed === 'watch') this.watch(known);
    else if (deed === 'mistake') this.mistake();
    else if (deed === 'provoke') this.provoke();
    else viewer.socket?.cut();
  }

  private watch(subscription: ViewerSubscription): void {
    const { parts, topics } = this.viewer;
    const some = () => parts.devices.filter(() => this.random.chance(0.2));
    topics.watch(subscription, subscription.watched && this.random.chance(0.7) ? null : some());
  }

  private mistake(): void {
    const { parts, topics } = this.viewer;
    if (parts.foreignTopic !== null && this.random.chance(0.4)) {
      const message = { type: 'subscribe', id: FOREIGN, topic: parts.foreignTopic };
      topics.sendWrong(JSON.stringify(message), 'not-found', FOREIGN);
    } else topics.sendWrong(...this.random.pick(MISTAKES));
  }

  private provoke(): void {
    const { viewer } = this;
    const code = this.random.pick([1003, 1009, 4029]);
    viewer.deserve(code);
    if (code === 1003) viewer.socket?.send(Buffer.from('{}'));
    else if (code === 1009) viewer.socket?.sendText('x'.repeat(20_000));
    else for (let ping = 0; ping < 200; ping += 1) viewer.socket?.ping();
  }
}
