/** Timers of a worker thread, which the root cannot hand a clock: a function does not cross between threads. */
import type { Clock } from '../base/clock.ts';

export const threadClock: Pick<Clock, 'after'> = {
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};
