/**
 * The real timers of Node and the time they go by, for the real clock of each process and thread: a clock cannot be sent to a thread, since
 * functions do not cross between threads.
 */
import type { Clock } from './clock.ts';

export const systemTimers: Pick<Clock, 'monotonic' | 'after' | 'every' | 'soon'> = {
  monotonic: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
  every: (milliseconds, run) => {
    const timer = setInterval(run, milliseconds);
    return { cancel: () => clearInterval(timer) };
  },
  soon: (run) => {
    const immediate = setImmediate(run);
    return { cancel: () => clearImmediate(immediate) };
  },
};
