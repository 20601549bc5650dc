/** Option values as numbers and durations, checked. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../schemas/durations.ts';

/** A parser for commander's options. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** A part of the whole. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 1, such as 0.1.');
}

/** `90d`, `24h`, `60s` → milliseconds. */
export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null) return milliseconds;
  throw new InvalidArgumentError(
    'Expected a duration such as 90d, 24h, 30m or 60s, at most a thousand years.',
  );
}

/** How long a command lives: `60s`, or `60`, which counts seconds as in the API; → milliseconds. */
export function ttl(text: string): number {
  const milliseconds = parseDuration(text, 's');
  if (milliseconds !== null) return milliseconds;
  throw new InvalidArgumentError('Expected seconds or a duration, such as 60, 60s or 10m; 0: now or never.');
}
