/**
 * Defines the refusals of the HTTP API: an answer that is a problem (RFC 9457), thrown by whoever finds out and turned
 * into the answer in `errors.ts`; and sends a problem with the headers that belong to it.
 */
import type { FastifyReply } from 'fastify';
import { type Problem, type ProblemCode, problem } from '../../schemas/problems.ts';

/** An answer that is a problem (RFC 9457): thrown by whoever finds out, sent in one place (`errors.ts`). */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly problem: Problem;

  /** `detail`: one sentence that says what it was and what to do. */
  constructor(code: ProblemCode, detail: string, extra: { readonly retryAfter?: number } = {}) {
    super(detail);
    this.problem = problem(code, detail, extra);
  }
}

/** `throw ofProblem(…)`: a problem that another room has put into words. */
export function ofProblem({ code, detail, retryAfter }: Problem): Refusal {
  return new Refusal(code, detail, retryAfter === undefined ? {} : { retryAfter });
}

/** Others' things and things that are not there look the same. */
export function notFound(what: string): Refusal {
  return new Refusal('not-found', `There is no ${what} that this key may see.`);
}

export function sendProblem(reply: FastifyReply, body: Problem): FastifyReply {
  if (body.status === 401) reply.header('www-authenticate', 'Bearer realm="signalbox"');
  if (body.retryAfter !== undefined) reply.header('retry-after', body.retryAfter);
  // As bytes: to a text fastify would add a charset, which JSON types do not have.
  return reply
    .code(body.status)
    .type('application/problem+json')
    .send(Buffer.from(JSON.stringify(body)));
}
