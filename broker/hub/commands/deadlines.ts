/**
 * Things that are due at a time, any number of them, behind one timer. Owns a binary heap; a deadline that was cancelled
 * stays in it until it comes up, or until they are half of it: most commands end long before their ttl.
 */
import type { Clock, Timer } from '../../wire/environment.ts';

export interface Deadline {
  /** Idempotent. */
  cancel(): void;
}

interface Due {
  readonly at: number;
  run: (() => void) | null;
}

/** setTimeout's own limit is 2^31 ms; nobody minds to look once a day. */
const LONGEST_WAIT = 86_400_000;
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
  private state: 'running' | 'stopped' = 'running';

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** How many it holds, cancelled ones included. */
  get size(): number {
    return this.heap.length;
  }

  /** Runs `run` at `at` (Unix ms), or in a moment if that is past. */
  set(at: number, run: () => void): Deadline {
    const due: Due = { at, run };
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
    if (this.cancelled < FEW || this.cancelled * 2 < this.heap.length) return;
    // What is in order of time is a heap.
    this.heap = this.heap.filter(({ run }) => run !== null).sort((one, other) => one.at - other.at);
    this.cancelled = 0;
  }

  private arm(): void {
    const first = this.heap[0];
    if (this.state === 'stopped' || !first || (this.timer && this.timerAt <= first.at)) return;
    this.timer?.cancel();
    this.timerAt = first.at;
    const wait = Math.min(LONGEST_WAIT, Math.max(0, first.at - this.clock.now()));
    this.timer = this.clock.after(wait, () => this.fire());
  }

  private fire(): void {
    this.timer = null;
    const now = this.clock.now();
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
