/**
 * Runs what is due at a time or after a wait, any number of things behind one timer. Owns a binary heap; a cancelled
 * deadline stays in it until it comes up, or until half of them are cancelled: most commands end long before their ttl.
 * All are kept in monotonic ms, so a wall clock that is set back delays none. One that is set ahead brings those of a wall
 * time (`set`) forward to when it shows that time, within a minute, and leaves waits (`after`) alone. When the process was
 * stopped, what devices sent meanwhile is read before anything is taken for due.
 */
import type { Clock, Timer } from '../../base/clock.ts';

export interface Deadline {
  /** Idempotent. */
  cancel(): void;
}

interface Due {
  /** Monotonic ms. */
  at: number;
  /** The wall time at which it is due at the latest; null: it goes by the wait alone. */
  readonly wallAt: number | null;
  run: (() => void) | null;
}

/** How soon a wall clock that was set is noticed; ms. Also keeps below setTimeout's own limit, 2^31 ms. */
const LONGEST_WAIT = 60_000;
/** A wall clock that runs away by more than this was set; less is its usual drift; ms. */
const STEP = 500;
/** A timer that comes later than this was held up with the process; ms. */
const LATE = 1000;
/** How long the sockets then have to be read; ms. */
const READING = 1000;
/** Run in one turn; a hundred thousand that are due together must not hold everybody up. */
const SLICE = 500;
/** Cancelled ones are not worth a look below this. */
const FEW = 1024;

export class Deadlines {
  private readonly clock: Clock;
  private heap: Due[] = [];
  private cancelled = 0;
  private timer: Timer | null = null;
  private timerAt = Number.POSITIVE_INFINITY;
  /** When the timer comes; monotonic ms. */
  private wakesAt = 0;
  /** Wall time less monotonic time, when last looked at. */
  private wallOffset: number;
  private pace: 'usual' | 'reading' = 'usual';
  private state: 'running' | 'stopped' = 'running';

  constructor(clock: Clock) {
    this.clock = clock;
    this.wallOffset = clock.now() - clock.monotonic();
  }

  /** How many it holds, cancelled ones included. */
  get size(): number {
    return this.heap.length;
  }

  /** Runs `run` at `at` (Unix ms), or in a moment if that is past. */
  set(at: number, run: () => void): Deadline {
    const now = this.clock.monotonic();
    this.followWall(now);
    return this.add({ at: now + (at - this.clock.now()), wallAt: at, run });
  }

  /** Runs `run` after so many ms, whatever the wall clock does. */
  after(milliseconds: number, run: () => void): Deadline {
    return this.add({ at: this.clock.monotonic() + milliseconds, wallAt: null, run });
  }

  private add(due: Due): Deadline {
    this.push(due);
    this.arm();
    return {
      cancel: () => this.forget(due),
    };
  }

  /** Idempotent; nothing runs any more. */
  stop(): void {
    this.state = 'stopped';
    this.timer?.cancel();
    this.timer = null;
    this.heap = [];
    this.cancelled = 0;
  }

  private forget(due: Due): void {
    if (due.run === null) return;
    due.run = null;
    this.cancelled += 1;
    if (this.cancelled >= FEW && this.cancelled * 2 >= this.heap.length) this.rebuild();
  }

  private rebuild(): void {
    // What is in order of time is a heap.
    this.heap = this.heap.filter(({ run }) => run !== null).sort((one, other) => one.at - other.at);
    this.cancelled = 0;
  }

  private arm(): void {
    const first = this.heap[0];
    if (this.state === 'stopped' || !first || (this.timer && this.timerAt <= first.at)) return;
    this.timer?.cancel();
    this.timerAt = first.at;
    this.wakeIn(Math.min(LONGEST_WAIT, Math.max(0, first.at - this.clock.monotonic())));
  }

  private wakeIn(milliseconds: number): void {
    this.wakesAt = this.clock.monotonic() + milliseconds;
    this.timer = this.clock.after(milliseconds, () => this.fire());
  }

  /** A wall clock that was set ahead brings forward what goes by it. */
  private followWall(now: number): void {
    const offset = this.clock.now() - now;
    const step = offset - this.wallOffset;
    if (Math.abs(step) < STEP) return;
    this.wallOffset = offset;
    if (step < 0) return;
    // One that was set back before and is put right makes nothing due earlier than it was.
    for (const due of this.heap) if (due.wallAt !== null) due.at = Math.min(due.at, due.wallAt - offset);
    this.rebuild();
  }

  private fire(): void {
    this.timer = null;
    const now = this.clock.monotonic();
    if (this.pace === 'usual' && now - this.wakesAt > LATE) {
      this.pace = 'reading';
      this.wakeIn(READING);
      return;
    }
    this.pace = 'usual';
    this.followWall(now);
    for (let ran = 0; ran < SLICE; ran += 1) {
      const first = this.heap[0];
      if (!first || (first.at > now && first.run !== null)) break;
      this.pop();
      this.run(first);
    }
    this.arm();
  }

  private run(due: Due): void {
    const { run } = due;
    if (run === null) this.cancelled -= 1;
    // A cancel from now on comes too late, and counts nothing.
    due.run = null;
    run?.();
  }

  private push(due: Due): void {
    const { heap } = this;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (at(heap, parent) <= due.at) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const smaller = at(heap, left + 1) < at(heap, left) ? left + 1 : left;
      if (at(heap, smaller) >= last.at) return;
      this.swap(index, smaller);
      index = smaller;
    }
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b] as Due, heap[a] as Due];
  }
}

function at(heap: readonly Due[], index: number): number {
  return heap[index]?.at ?? Number.POSITIVE_INFINITY;
}
