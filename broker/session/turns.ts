/**
 * Shares the event loop among flooding sockets. A socket that has delivered its share in a turn is not read until a
 * later one, and only a few of those that wait are read again in each turn: a socket's read brings up to 64 KiB, near
 * a thousand frames, and 200 of them in one turn held the loop for over a second. Owns the turn's number and the queue.
 */
/** Frames of one socket in one turn before it is paused. */
const FRAMES_A_TURN = 256;
/** Paused sockets that are read again in one turn. */
const RESUMED_A_TURN = 16;

/** A paused socket that waits for its turn. */
export interface Waiting {
  turnCame(): void;
}

export class Turns {
  private queue: Waiting[] = [];
  private next = 0;
  private state: 'quiet' | 'running' = 'quiet';
  /** Rises with each turn in which a frame came. */
  number = 0;

  /** Called for every frame; whether this socket has had its share. `frames`: its count in this turn. */
  isSpent(frames: number): boolean {
    if (this.state === 'quiet') this.begin();
    return frames >= FRAMES_A_TURN;
  }

  /** Puts a paused socket at the end of the queue. */
  enqueue(waiting: Waiting): void {
    this.queue.push(waiting);
  }

  private begin(): void {
    this.state = 'running';
    setImmediate(() => this.end());
  }

  private end(): void {
    this.number += 1;
    this.state = 'quiet';
    const until = Math.min(this.queue.length, this.next + RESUMED_A_TURN);
    for (; this.next < until; this.next += 1) this.queue[this.next]?.turnCame();
    if (this.next < this.queue.length) this.begin();
    else this.next = this.queue.length = 0;
  }
}
