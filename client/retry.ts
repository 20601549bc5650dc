/** What an end of a connection means for the next try, by the table of close codes (P-7.3) and HTTP's answers (P-1.5). */
import { CLOSE_CODES } from '../schemas/errors.ts';
import type { Backoff } from './backoff.ts';

/** The broker's own delay is taken up to here; ms. */
const LONGEST_ADVICE = 10 * 60_000;
/** After an answer that only a person can change, such as 401; ms. */
const AFTER_REFUSAL = 5 * 60_000;

type CloseRule = { readonly retry: boolean; readonly after: string };

/** Milliseconds until the next try; null: none, a new key is needed. Codes that the table does not know back off. */
export function retryAfterClose(code: number, reason: string, backoff: Backoff): number | null {
  const rule = (CLOSE_CODES as Readonly<Record<number, CloseRule>>)[code];
  if (rule?.retry === false) return null;
  if (code === 1001 || code === 1013) return adviceOf(reason) ?? backoff.next();
  const least = /from (\d+) s/.exec(rule?.after ?? '')?.[1];
  return least === undefined ? backoff.next() : backoff.slow(Number(least) * 1000);
}

/** P-7.3: `reconnect in 1234 ms`, already jittered by the broker; also in seconds. null: there is none. */
function adviceOf(reason: string): number | null {
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
  if (!passes) return backoff.slow(AFTER_REFUSAL);
  return Math.min(LONGEST_ADVICE, retryAfter ?? 0) + backoff.next();
}

/** `Retry-After` (RFC 9110, 10.2.3) in ms: seconds, or a date; null if it is neither. */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
