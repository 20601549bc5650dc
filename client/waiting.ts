/** Waiting with an end. */
import type { Clock } from '../broker/base/clock.ts';

/** Resolves when `work` does, or after `milliseconds`. `work` must not reject. */
export async function atMost(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<void> {
  let stopWaiting: () => void = () => {};
  const timeUp = new Promise<void>((resolve) => {
    stopWaiting = resolve;
  });
  const timer = clock.after(milliseconds, stopWaiting);
  await Promise.race([work, timeUp]);
  timer.cancel();
}
