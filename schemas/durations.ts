/** Durations as people write them, the same in the API, the command line and the page: `90d`, `60s`, `250ms`. Pure. */

/** ms */
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** How long a command lives, as a text: `60s`, `1.5 h`; a number alone counts seconds. */
export const TTL_TEXT = '^\\d{1,15}(?:\\.\\d{1,15})? ?(?:ms|s|m|h|d|w)?$';

const DURATION = /^(\d{1,15}(?:\.\d{1,15})?) ?(ms|s|m|h|d|w)?$/;

/** A thousand years in ms: longer than anything here waits, and far from where dates end. */
const LONGEST = 31_557_600_000_000;

/** Milliseconds; null: it is no duration, or over a thousand years. `bare`: what a number without a unit means; left out: nothing. */
export function parseDuration(text: string, bare?: 's'): number | null {
  const [, amount, unit = bare] = DURATION.exec(text.trim()) ?? [];
  const size = unit === undefined ? undefined : UNITS[unit];
  if (amount === undefined || size === undefined) return null;
  const milliseconds = Number(amount) * size;
  return milliseconds <= LONGEST ? milliseconds : null;
}
