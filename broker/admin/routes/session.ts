/** Serves `/session`: a browser trades a key, or a login token, for a cookie that scripts cannot read. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { LoginSchema, reference, type Session, SessionSchema } from '../../../schemas/api.ts';
import { may, type Role, rolesInWords } from '../../../schemas/roles.ts';
import { SESSION_COOKIE } from '../../access/credentials.ts';
import type { KeyRow } from '../../store/ports.ts';
import type { Access } from '../access.ts';
import { answers } from '../openapi.ts';
import type { AdminParts, Api } from '../parts.ts';
import { Refusal } from '../refusal.ts';

/** The longest that browsers keep a cookie. */
const COOKIE_SECONDS = 400 * 86_400;

const SPENT = 'The login link was used already, or is older than ten minutes; log in with a key.';

export function sessionRoutes(api: Api, parts: AdminParts, access: Access): void {
  loginRoute(api, parts, access);
  whoRoute(api, access);
  logoutRoute(api, parts, access);
}

function loginRoute(api: Api, { keys, browserSessions, logger }: AdminParts, access: Access): void {
  const prove = (request: FastifyRequest, { key, token }: Static<typeof LoginSchema>): KeyRow => {
    if (key !== undefined && token === undefined) return access.prove(request, keys.authenticate(key));
    if (token !== undefined && key === undefined) {
      return access.prove(request, browserSessions.redeemLoginToken(token), SPENT);
    }
    throw new Refusal('bad-request', 'body must hold either key or token.');
  };

  api.post(
    '/session',
    {
      schema: {
        operationId: 'logIn',
        summary: 'Logs a browser in',
        description: `Sets the cookie \`${SESSION_COOKIE}\`. Each use, an open live channel too, renews the login; without one it ends at \`expiresAt\`. A device key cannot log in.`,
        tags: ['session'],
        security: [],
        body: reference(LoginSchema),
        response: answers(
          201,
          reference(SessionSchema),
          'origin-refused',
          'body-too-large',
          'unsupported-media-type',
        ),
      },
    },
    async (request, reply) => {
      // A page of another origin must not log somebody in as somebody else.
      if (request.headers.origin !== undefined) access.checkOrigin(request);
      const row = prove(request, request.body);
      const session = sessionOf(row.id, row.role, row.customer);
      const { cookie, expiresAt } = await browserSessions.create(row);
      logger.info({ key: row.id, address: request.ip }, 'A browser has logged in.');
      // The browser keeps it for as long as it may; when the login ends is known here alone, since each use moves it.
      reply.setCookie(SESSION_COOKIE, cookie, { ...cookieOptions(request), maxAge: COOKIE_SECONDS });
      return reply.code(201).send({ ...session, expiresAt });
    },
  );
}

function whoRoute(api: Api, access: Access): void {
  api.get(
    '/session',
    {
      schema: {
        operationId: 'getSession',
        summary: 'Who the cookie, or the key, stands for',
        tags: ['session'],
        response: answers(200, reference(SessionSchema)),
      },
      onRequest: access.allow('read'),
    },
    async (request) => {
      const { keyId, role, customer } = access.caller(request);
      return sessionOf(keyId, role, customer);
    },
  );
}

function logoutRoute(api: Api, { browserSessions }: AdminParts, access: Access): void {
  api.delete(
    '/session',
    {
      schema: {
        operationId: 'logOut',
        summary: 'Logs the browser out',
        description: 'Its live channels end at once. Also of a login that has already ended.',
        tags: ['session'],
        security: [],
        response: answers(204, Type.Null({ description: 'The cookie is gone.' }), 'origin-refused'),
      },
    },
    async (request, reply) => {
      const cookie = request.cookies[SESSION_COOKIE];
      if (cookie !== undefined) {
        access.checkOrigin(request);
        await browserSessions.end(cookie);
      }
      return reply.clearCookie(SESSION_COOKIE, cookieOptions(request)).code(204).send(null);
    },
  );
}

function sessionOf(keyId: string, role: Role, customer: string): Session {
  if (!may(role, 'read')) {
    throw new Refusal('forbidden', `A ${role} key cannot log in; use a ${rolesInWords('read')} key.`);
  }
  return { keyId, role, customer };
}

/** Not for scripts, not for other sites, and not in the clear where we are reached by https. */
function cookieOptions(request: FastifyRequest) {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' } as const;
}
