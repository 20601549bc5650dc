/** P-7.5: a device that goes to sleep says so as it closes. Pure. */
import { MOST_SLEEP_SECONDS } from '../../schemas/frames.ts';
import type { Sleep } from '../hub/fleet/device.ts';

/** `sleep`, or `sleep 3600`; what follows the word and is no such number says no more than the word. */
const REASON = /^sleep(?: (\d+)$|$|\s)/;
/** Beyond the time that it named, as a share of it. */
const GRACE = 0.1;

/** `said`: the reason of its close with 1000. null: it does not go to sleep. */
export function sleepOf(said: string, now: number): Sleep | null {
  const match = REASON.exec(said);
  if (!match) return null;
  const [, seconds] = match;
  if (seconds === undefined) return { until: null, overdueAt: null };
  const length = Math.min(Number(seconds), MOST_SLEEP_SECONDS) * 1000;
  return { until: now + length, overdueAt: now + Math.round(length * (1 + GRACE)) };
}
