/**
 * What every part is handed instead of reaching for it: time, randomness and a log. Interfaces only; the real ones
 * are made at the root (`broker/environment.ts`), the fakes in `test/helpers`.
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
}

/** Uniform in [0, 1), like `Math.random`. */
export type Random = () => number;

/** The part of pino that the rooms use: fields first, then one sentence. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}
