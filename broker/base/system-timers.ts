/**
 * The real timers, which every real clock has: that of the root, of each worker thread (a function does not cross between
 * threads) and of the client.
 */
import type { Clock } from './clock.ts';

export const systemTimers: Pick<Clock, 'after' | 'every' | 'soon'> = {
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
