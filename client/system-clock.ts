/**
 * The clock of a process: wall time of its start plus what has passed since. It never jumps when the machine's clock is
 * set, so the age of a frame that waits is right; how far it is off is learned from each welcome (`telemetry.ts`).
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../broker/base/clock.ts';
import { systemTimers } from '../broker/base/system-timers.ts';

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  ...systemTimers,
};
