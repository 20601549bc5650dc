/**
 * A clock for devices that would take too long for a test: the pauses that they make pass sooner. Their patience with a
 * broker that has not answered yet is what it always is, because how soon it can answer depends on the machine.
 */
import type { Clock } from '../../broker/base/clock.ts';
import { CLOSE_WITHIN, GREET_WITHIN } from '../../client/connection.ts';
import { systemClock } from '../../client/index.ts';

const PATIENCE: readonly number[] = [GREET_WITHIN, CLOSE_WITHIN];

/** So many times as fast. What is done at intervals keeps them. */
export function hastyClock(times: number): Clock {
  return {
    ...systemClock,
    after: (ms, run) => systemClock.after(PATIENCE.includes(ms) ? ms : ms / times, run),
  };
}
