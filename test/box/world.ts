/**
 * The simulated world: one virtual time, one queue of what happens next, and the trace of what has happened. Nothing in it waits
 * for a real timer, thread, socket or disk, so the same seed gives the same run, to the byte of its trace. Owns all of them.
 */
import type { Timer } from '../../broker/base/clock.ts';
import { SeededRandom } from './random.ts';
import { settle, turned } from './settled.ts';
import { TraceDigest } from './trace-digest.ts';

/** Whoever things happen to: a process, which can be killed or held; what belongs to the dead does not happen. */
export interface Owner {
  readonly name: string;
  readonly alive: boolean;
  /** Virtual ms until which nothing happens to it. */
  readonly heldUntil: number;
}

interface Happening {
  at: number;
  order: number;
  readonly run: () => void;
  readonly owner: Owner | null;
  cancelled: boolean;
}

/** Between two turns of Node's event loop. */
const HAPPENINGS_A_TURN = 1000;

/** What bytes say, in words. */
export type ReadBytes = (bytes: Uint8Array) => string;

const lengthOf: ReadBytes = (bytes) => `${bytes.length} bytes`;

/** Virtual ms as `1:02:03.004`. */
function wordsOfTime(time: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const seconds = (Math.floor(time) / 1000) % 60;
  const parts = [
    Math.floor(time / 3_600_000),
    two((time / 60_000) % 60),
    seconds.toFixed(3).padStart(6, '0'),
  ];
  return parts.join(':');
}

export class World {
  readonly seed: string;
  readonly random: SeededRandom;
  /** Virtual ms since the beginning. */
  time = 0;
  /** To whom what runs now happens. */
  current: Owner | null = null;
  /** What was counted on the way, for the report. */
  happenings = 0;
  private readonly queue = new HappeningQueue();
  private order = 0;
  private readonly trace = new TraceDigest();
  /** Hears the trace line by line, for people; null: nobody does, and no line is made. */
  listener: ((line: string) => void) | null = null;

  constructor(seed: string) {
    this.seed = seed;
    this.random = new SeededRandom(`${seed}/world`);
  }

  /** A stream of chance for one actor. */
  randomOf(name: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${name}`);
  }

  /** Happens after `milliseconds`; what is due at one time happens in the order in which it was asked for. */
  after(milliseconds: number, run: () => void, owner: Owner | null = this.current): Timer {
    // It would put all others out of order.
    if (Number.isNaN(milliseconds)) throw new RangeError('something would happen at no time');
    this.order += 1;
    const at = this.time + Math.max(0, milliseconds);
    const happening: Happening = { at, order: this.order, run, owner, cancelled: false };
    this.queue.push(happening);
    return {
      cancel: () => {
        happening.cancelled = true;
      },
    };
  }

  /** At once, as part of what happens now; later if `owner` is held, and never if it is dead. */
  as(owner: Owner | null, run: () => void): void {
    if (owner?.alive === false) return;
    if (owner && owner.heldUntil > this.time) {
      this.after(0, run, owner);
      return;
    }
    const { current } = this;
    this.current = owner;
    run();
    this.current = current;
  }

  /** How much is yet to happen to `owner`: a process that has stopped leaves nothing. */
  pendingOf(owner: Owner): number {
    return this.queue.count((one) => one.owner === owner && !one.cancelled);
  }

  /**
   * One line of the trace. `detail` may be bytes, which count whole; people are shown what `read` makes of them, or
   * their length.
   */
  note(who: string, what: string, detail: string | Uint8Array = '', read: ReadBytes = lengthOf): void {
    this.trace.add(this.time, who, what, detail);
    if (this.listener) this.tell(who, what, () => (typeof detail === 'string' ? detail : read(detail)));
  }

  /** A line for people alone: it follows from what the trace holds. */
  tell(who: string, what: string, detail: () => string): void {
    this.listener?.(`${wordsOfTime(this.time)} ${who} ${what} ${detail()}`.trimEnd());
  }

  /** Of the whole trace so far. */
  digest(): string {
    return this.trace.hex();
  }

  /** Lets everything happen that is due before `milliseconds` from now. */
  async run(milliseconds: number): Promise<void> {
    await this.runUntil(this.time + milliseconds, () => false);
  }

  /** The same, but ends as soon as `done` says so; whether it did. */
  runUntil(end: number, done: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const turn = () => {
        let state: 'thrown' | 'going on' | 'over' = 'thrown';
        try {
          state = this.happen(end, done) ? 'over' : 'going on';
        } finally {
          // What is thrown goes to Node (`uncaughtException`), which alone can clean up after it, and the world goes on.
          this.current = null;
          if (state === 'over') resolve(done());
          else turned(turn);
        }
      };
      turned(turn);
    });
  }

  /** What is next, up to so much that the event loop is not forgotten. Whether it is over. */
  private happen(end: number, done: () => boolean): boolean {
    for (let turn = 0; turn < HAPPENINGS_A_TURN; turn += 1) {
      if (done()) return true;
      const next = this.queue.peek();
      if (!next || next.at > end) {
        // Somebody else's run may have gone further.
        this.time = Math.max(this.time, end);
        return true;
      }
      this.queue.pop();
      if (next.cancelled || next.owner?.alive === false) continue;
      if (next.owner && next.owner.heldUntil > next.at) this.postpone(next, next.owner.heldUntil);
      else this.perform(next);
    }
    return false;
  }

  private perform({ at, owner, run }: Happening): void {
    this.time = at;
    this.happenings += 1;
    this.current = owner;
    run();
    settle();
    this.current = null;
  }

  /** Keeps its place among what waits with it. */
  private postpone(happening: Happening, at: number): void {
    happening.at = at;
    this.queue.push(happening);
  }
}

/** A binary heap by time, then by order. */
class HappeningQueue {
  private readonly heap: Happening[] = [];

  peek(): Happening | undefined {
    return this.heap[0];
  }

  count(matches: (happening: Happening) => boolean): number {
    return this.heap.filter(matches).length;
  }

  push(happening: Happening): void {
    const { heap } = this;
    let at = heap.push(happening) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(happening, heap[above] as Happening)) break;
      heap[at] = heap[above] as Happening;
      at = above;
    }
    heap[at] = happening;
  }

  pop(): void {
    const { heap } = this;
    const last = heap.pop() as Happening;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = below + 1;
      if (right < heap.length && isBefore(heap[right] as Happening, heap[below] as Happening)) below = right;
      if (!isBefore(heap[below] as Happening, last)) break;
      heap[at] = heap[below] as Happening;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(one: Happening, other: Happening): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
