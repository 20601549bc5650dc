/**
 * Time and randomness as interfaces, which every part is handed instead of reaching for them. The real ones are made at
 * the root of each process and thread (such as `broker/main.ts`), each with `system-timers.ts`; those of tests are in
 * `test/helpers`.
 */

export interface Timer {
  /** Idempotent. */
  cancel(): void;
}

export interface Clock {
  /** Unix milliseconds, for stamps and for expiries that a person gave. Steps when the machine's clock is set. */
  now(): number;
  /**
   * Milliseconds since some fixed moment of this process; never goes back and never steps. Every wait, rate, heartbeat
   * and deadline within the process is measured with it.
   */
  monotonic(): number;
  after(milliseconds: number, run: () => void): Timer;
  every(milliseconds: number, run: () => void): Timer;
  /** When the event loop has polled: what came in with this turn is dealt with before. */
  soon(run: () => void): Timer;
}

/** Uniform in [0, 1), like `Math.random`. */
export type Random = () => number;
