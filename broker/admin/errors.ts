/**
 * Turns whatever goes wrong in a request into a problem: our refusals (`Refusal`), the hub's (`HubRefusal`), fastify's,
 * and faults of our own, which are logged and not told. Tells the audit what was refused. Says how large a body may be,
 * since fastify's refusal names that.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Problem, problem } from '../../schemas/problems.ts';
import type { Logger } from '../base/logger.ts';
import { HubRefusal } from '../hub/refusal.ts';
import type { AuditHooks } from './audit-hooks.ts';
import { Refusal, sendProblem } from './refusal.ts';

/** The largest body that is read where a route does not say. */
export const BODY_BYTES = 65536;
/** Arguments and documents: what the profile takes, in JSON, which is longer. */
export const VALUE_BYTES = 262144;
/** A list of all the devices of a large fleet. */
export const SELECTION_BYTES = 2097152;

/** Fastify's own refusals, by its error code. */
const KNOWN: Readonly<Record<string, Problem>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: problem('unsupported-media-type', 'Send Content-Type: application/json.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: problem(
    'bad-request',
    'The body is not as long as Content-Length says.',
  ),
  FST_ERR_BAD_URL: problem('bad-request', 'The path is not well-formed; percent-encode it as UTF-8.'),
};

export function errorHandler(
  logger: Logger,
  hooks: AuditHooks,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    const body = toProblem(error, request, logger);
    hooks.refused(request, body);
    return sendProblem(reply, body);
  };
}

function toProblem(error: unknown, request: FastifyRequest, logger: Logger): Problem {
  if (error instanceof Refusal) return error.problem;
  if (error instanceof HubRefusal) return ofTheHub(error);
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return problem('body-too-large', `Send at most ${request.routeOptions.bodyLimit ?? BODY_BYTES} bytes.`);
  }
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

function ofTheHub({ code, message, limit, retryAfter }: HubRefusal): Problem {
  return problem(code, message, {
    ...(limit !== null && { limit }),
    ...(retryAfter !== null && { retryAfter }),
  });
}
