/**
 * Decides from the end of a connection when to try again, by the table of close codes (P-7.3) and HTTP's answers (P-1.5).
 */
import type { Backoff, BackoffOptions } from '../broker/base/backoff.ts';
import { CLOSE_CODES, type CloseCode } from '../schemas/errors.ts';

/** P-7.4: evenly spread from 1 s to a ceiling that doubles: 2 s, 4 s, … 60 s. A fleet comes back spread from the first try on. */
export const RECONNECT: Omit<BackoffOptions, 'random'> = { first: 2000, most: 60_000, least: () => LEAST };

/** Of a backoff; ms. */
const LEAST = 1000;

/** The broker's own delay is taken up to here; ms. */
const LONGEST_ADVICE = 10 * 60_000;
/** After an answer that only a person can change, such as 401; ms. */
const AFTER_REFUSAL = 5 * 60_000;

type CloseRule = Pick<(typeof CLOSE_CODES)[CloseCode], 'wait' | 'delayInReason'>;

/** Such as 1006, a connection that was cut. */
const UNKNOWN: CloseRule = { wait: 1, delayInReason: false };

/** Milliseconds until the next try; null: none, a new key is needed. Codes that the table does not know back off. */
export function retryAfterClose(code: number, reason: string, backoff: Backoff): number | null {
  const rules: Readonly<Record<number, CloseRule>> = CLOSE_CODES;
  const { wait, delayInReason } = rules[code] ?? UNKNOWN;
  if (wait === null) return null;
  const delay = delayInReason ? delayOf(reason) : null;
  if (delay !== null) return delay;
  return wait * 1000 > LEAST ? slowly(backoff, wait * 1000) : backoff.next();
}

/** P-7.3: `reconnect in 1234 ms`, already jittered by the broker; also in seconds. null: there is none. */
function delayOf(reason: string): number | null {
  const match = /reconnect in (\d+(?:\.\d+)?) (ms|s)\b/.exec(reason);
  if (!match) return null;
  return Math.min(LONGEST_ADVICE, Math.ceil(Number(match[1]) * (match[2] === 's' ? 1000 : 1)));
}

/**
 * Milliseconds until the next try. 429 and 5xx pass by themselves: never earlier than `Retry-After` (ms) says. Everything
 * else (wrong key, wrong device, wrong address) needs a person: a try each 5 to 10 minutes notices when it is mended.
 */
export function retryAfterRefusal(status: number, retryAfter: number | null, backoff: Backoff): number {
  const passes = status === 429 || status >= 500;
  if (!passes) return slowly(backoff, AFTER_REFUSAL);
  return Math.min(LONGEST_ADVICE, retryAfter ?? 0) + backoff.next();
}

/** For what a quick retry would make worse: from `least` ms to twice of it. */
function slowly(backoff: Backoff, least: number): number {
  return backoff.between(least, 2 * least);
}

/** `Retry-After` (RFC 9110, 10.2.3) in ms: seconds, or a date; null if it is neither. */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
