/** Asks the HTTP API as the person who is logged in. A refusal becomes a sentence that can be shown. */
import type { Problem } from '../schemas/problems.ts';

/** What the broker refused, in its own words; `unreachable`: it did not answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: Problem['code'] | 'unreachable';

  constructor(code: ApiProblem['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * The JSON answer. Rejects with `ApiProblem`, or with what aborted the signal.
 * `path`: below `/api/v1`, with its parts escaped.
 */
export async function ask<Body>(path: string, question: Question): Promise<Body> {
  const { method = 'GET', body, headers = {}, signal } = question;
  const content = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await fetch(`/api/v1${path}`, {
    method,
    headers: { ...content, ...headers },
    body: body === undefined ? null : JSON.stringify(body),
    signal,
  }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new ApiProblem('unreachable', 'The broker cannot be reached; try again in a moment.');
  });
  if (answer.ok) return answer.json();
  throw await problemOf(answer);
}

/** A proxy in between may answer with something that is no problem document. */
async function problemOf(answer: Response): Promise<ApiProblem> {
  const text = await answer.text();
  if (!answer.headers.get('content-type')?.includes('json')) {
    return new ApiProblem('internal', `The broker answers ${answer.status}.`);
  }
  const { code, detail, title }: Partial<Problem> = JSON.parse(text);
  return new ApiProblem(code ?? 'internal', detail ?? title ?? `The broker answers ${answer.status}.`);
}
