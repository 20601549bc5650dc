/** Asks the HTTP API as the person who is logged in. A refusal becomes a sentence that can be shown. */
import { ApiRefusal, ApiUnreachable, answerOf, createApi } from '../schemas/api/client.ts';
import type { Problem } from '../schemas/problems.ts';

/** The page's own broker; its cookie says who asks. */
export const api = createApi({ url: '' });

/** What the broker refused, in its own words; `unreachable`: it did not answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: Problem['code'] | 'unreachable';
  /** null: there was no answer. */
  readonly status: number | null;

  constructor(code: ApiProblem['code'], status: number | null, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What a call of `api` brings. Rejects with `ApiProblem`, or with what aborted the call's signal. */
export async function ask<Answer>(call: Promise<{ readonly data?: Answer }>): Promise<Answer> {
  try {
    return await answerOf(call);
  } catch (error) {
    throw problemOf(error);
  }
}

/** A proxy in between may answer with something that is no problem document. */
function problemOf(error: unknown): unknown {
  if (error instanceof ApiUnreachable) {
    return new ApiProblem('unreachable', null, 'The broker cannot be reached; try again in a moment.');
  }
  if (!(error instanceof ApiRefusal)) return error;
  const { problem, status } = error;
  return new ApiProblem(
    problem?.code ?? 'internal',
    status,
    problem?.detail ?? `The broker answers ${status}.`,
  );
}
