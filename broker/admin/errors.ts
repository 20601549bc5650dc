/** Turns whatever goes wrong in a request into a problem. What is our own fault is logged and not told. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Problem, problem } from '../../schemas/problems.ts';
import type { Log } from '../wire/environment.ts';
import { Refusal, sendProblem } from './refusal.ts';

/** The largest body that is read. */
export const BODY_BYTES = 65536;

/** Fastify's own refusals, by its error code. */
const KNOWN: Readonly<Record<string, Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: problem('body-too-large', `Send at most ${BODY_BYTES} bytes.`),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: problem('unsupported-media-type', 'Send Content-Type: application/json.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: problem(
    'bad-request',
    'The body is not as long as Content-Length says.',
  ),
  FST_ERR_BAD_URL: problem('bad-request', 'The path is not well-formed; percent-encode it as UTF-8.'),
};

export function errorHandler(
  logger: Log,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => sendProblem(reply, toProblem(error, request, logger));
}

function toProblem(error: unknown, request: FastifyRequest, logger: Log): Problem {
  if (error instanceof Refusal) return error.problem;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  const known = code === undefined ? undefined : KNOWN[code];
  if (known) return known;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem('bad-request', 'The request could not be read.');
  }
  // The pattern, not the URL: what somebody typed does not belong in the log.
  const route = request.routeOptions.url ?? 'unknown';
  logger.error({ err: error, method: request.method, route }, 'A request failed.');
  return problem(
    'internal',
    'The broker has logged what went wrong; try again, and ask its operator if it stays.',
  );
}
