/** The OpenAPI document (3.1), made from the routes' schemas; and how routes write down what they answer. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { TSchema } from 'typebox';
import { ProblemSchema, reference } from '../../schemas/api.ts';
import { PROBLEMS, type ProblemCode } from '../../schemas/problems.ts';
import { SESSION_COOKIE } from '../access/credentials.ts';

/** What every route that wants a key can answer. */
const USUAL: readonly ProblemCode[] = [
  'bad-request',
  'unauthorized',
  'forbidden',
  'too-many-requests',
  'internal',
  'not-ready',
];

/** The answers of a route: one that is meant, and the problems besides the usual ones. */
export function answers<Status extends number, Answer extends TSchema>(
  status: Status,
  answer: Answer,
  ...problems: readonly ProblemCode[]
): { readonly [Key in Status]: Answer } {
  return { ...problemAnswers([...USUAL, ...problems]), [status]: answer };
}

/** `{400: …}`; problems of one status stand together. */
export function problemAnswers(codes: readonly ProblemCode[]): object {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, problemAnswer(group)]));
}

function problemAnswer(codes: readonly ProblemCode[]): object {
  const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' ');
  return { description, content: { 'application/problem+json': { schema: reference(ProblemSchema) } } };
}

export function swaggerOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Signalbox',
        version,
        description:
          'Fleet, last-known state, commands, desired state, keys and the audit. Times are Unix milliseconds. Errors are application/problem+json (RFC 9457). A key sees its own customer; what belongs to others is not found.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A viewer, operator or admin key.' },
          header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          cookie: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: 'From POST /session.' },
        },
      },
      security: [{ bearer: [] }, { header: [] }, { cookie: [] }],
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema${index}`),
    },
  };
}
