/** Reads the HTTP answer that came instead of an upgrade (P-1.5): status, problem body, Retry-After. */
import type { IncomingMessage } from 'node:http';
import type { Problem } from '../schemas/problems.ts';
import { parseRetryAfter } from './retry.ts';

export interface Refusal {
  readonly status: number;
  /** null: the body is none, so the answer is not a broker's. */
  readonly problem: Problem | null;
  /** ms; null: not said. */
  readonly retryAfter: number | null;
}

/** A problem body is far smaller; more is not read. */
const MOST_BYTES = 16_384;

/** Calls `done` once, also when the answer breaks off. `now`: Unix ms. */
export function readRefusal(response: IncomingMessage, now: number, done: (refusal: Refusal) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const finish = () => {
    for (const event of ['end', 'error', 'close']) response.removeListener(event, finish);
    response.on('error', () => response.destroy());
    done({
      status: response.statusCode ?? 0,
      problem: parseProblem(Buffer.concat(chunks).toString('utf8')),
      retryAfter: parseRetryAfter(response.headers['retry-after'], now),
    });
  };
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MOST_BYTES) chunks.push(chunk);
    else response.destroy();
  });
  for (const event of ['end', 'error', 'close']) response.on(event, finish);
}

function parseProblem(text: string): Problem | null {
  try {
    const value: unknown = JSON.parse(text);
    const isProblem = typeof value === 'object' && value !== null && 'code' in value && 'detail' in value;
    return isProblem ? (value as Problem) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
