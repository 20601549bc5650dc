/**
 * Serves `/keys` to admins: lists, creates, rotates and revokes keys. The secret is told once, in the answer that makes
 * it. Checks what a new key must keep to beyond its schema.
 */
import Type from 'typebox';
import {
  DEFAULT_LIMIT,
  type Key,
  KeyListSchema,
  KeyPath,
  KeySchema,
  KeysQuery,
  type NewKey,
  NewKeySchema,
  RotationSchema,
  reference,
} from '../../../schemas/api.ts';
import { may } from '../../../schemas/roles.ts';
import type { KeyRequest } from '../../access/key-service.ts';
import type { KeyRow } from '../../store/ports.ts';
import type { Access } from '../access.ts';
import { type AuditHooks, customerTarget, idTarget } from '../audit-hooks.ts';
import { answers } from '../openapi.ts';
import { type ListOrder, pageOf } from '../paging.ts';
import type { AdminParts, Api } from '../parts.ts';
import { notFound, Refusal } from '../refusal.ts';

/** `secret`: the key's text, in the answer that creates it. */
function keyView(row: KeyRow, secret?: string): Key {
  return {
    id: row.id,
    customer: row.customer,
    ...(row.device !== null && { device: row.device }),
    role: row.role,
    ...(row.label !== null && { label: row.label }),
    createdAt: row.createdAt,
    ...(row.expiresAt !== null && { expiresAt: row.expiresAt }),
    ...(row.lastUsedAt !== null && { lastUsedAt: row.lastUsedAt }),
    ...(secret !== undefined && { key: secret }),
  };
}

/** Throws a refusal that names the member and what was expected. */
function keyRequest(body: NewKey, now: number): KeyRequest {
  const { role = 'device', device = null, label = null } = body;
  if (device !== null && !may(role, 'connect')) {
    throw new Refusal(
      'bad-request',
      `body.device belongs to the role device; a key with the role ${role} reads the whole customer.`,
    );
  }
  return { customer: customerOf(body, role), device, role, label, expiresAt: expiryOf(body, now) };
}

function customerOf({ customer }: NewKey, role: KeyRequest['role']): string {
  if (may(role, 'every-customer')) {
    if (customer === undefined || customer === '*') return '*';
    throw new Refusal(
      'bad-request',
      'body.customer must be * or left out for an admin, who sees every customer.',
    );
  }
  if (customer !== undefined && customer !== '*') return customer;
  throw new Refusal('bad-request', `body.customer must name one customer for the role ${role}.`);
}

function expiryOf({ expiresAt, expiresIn }: NewKey, now: number): number | null {
  if (expiresAt !== undefined && expiresIn !== undefined) {
    throw new Refusal('bad-request', 'body.expiresAt and body.expiresIn exclude each other; send one.');
  }
  if (expiresIn !== undefined) return now + expiresIn * 1000;
  if (expiresAt === undefined) return null;
  if (expiresAt > now) return expiresAt;
  throw new Refusal('bad-request', 'body.expiresAt must lie in the future; it is in Unix milliseconds.');
}

const DAY = 86400;

const OLDEST_FIRST: ListOrder<KeyRow> = {
  id: 'key',
  direction: 'ascending',
  place: (row) => ({ rank: row.createdAt, name: row.id }),
};

export function keyRoutes(api: Api, parts: AdminParts, access: Access, hooks: AuditHooks): void {
  listRoute(api, parts, access);
  createRoute(api, parts, access, hooks);
  rotateRoute(api, parts, access, hooks);
  revokeRoute(api, parts, access, hooks);
}

function listRoute(api: Api, { keys }: AdminParts, access: Access): void {
  api.get(
    '/keys',
    {
      schema: {
        operationId: 'listKeys',
        summary: 'Keys that are valid, oldest first',
        tags: ['keys'],
        querystring: KeysQuery,
        response: answers(200, reference(KeyListSchema)),
      },
      onRequest: access.allow('administer'),
    },
    async (request) => {
      const { customer = '*', limit = DEFAULT_LIMIT, cursor } = request.query;
      const page = pageOf(keys.list(customer), OLDEST_FIRST, { limit, cursor });
      return { items: page.items.map((row) => keyView(row)), next: page.next };
    },
  );
}

function createRoute(
  api: Api,
  { keys, registry, clock, logger }: AdminParts,
  access: Access,
  hooks: AuditHooks,
): void {
  const target = customerTarget((body) => (body as { customer?: unknown } | undefined)?.customer);

  api.post(
    '/keys',
    {
      schema: {
        operationId: 'createKey',
        summary: 'Creates a key',
        description:
          'A customer exists once a key names it, and so does a device: commands and desired state wait for it from then on.',
        tags: ['keys'],
        body: reference(NewKeySchema),
        response: answers(201, reference(KeySchema), 'body-too-large', 'unsupported-media-type'),
      },
      onRequest: [hooks.attempt('key.create', target), access.allow('administer')],
    },
    async (request, reply) => {
      const wanted = keyRequest(request.body, clock.now());
      // First the device: where it is refused, there is no key.
      if (wanted.device !== null) await registry.ensure(wanted.customer, wanted.device);
      const { row, key } = await keys.create(wanted);
      logger.info({ key: row.id, role: row.role, by: access.caller(request).keyId }, 'A key was created.');
      const { id, customer, role, device } = row;
      hooks.done(request, {
        customer,
        target: `key ${id}`,
        detail: { role, ...(device !== null && { device }) },
      });
      return reply.code(201).send(keyView(row, key));
    },
  );
}

function rotateRoute(api: Api, { keys, logger }: AdminParts, access: Access, hooks: AuditHooks): void {
  api.post(
    '/keys/:id/rotate',
    {
      schema: {
        operationId: 'rotateKey',
        summary: 'Puts a new key in the place of one',
        description: 'The old one goes on working for the overlap.',
        tags: ['keys'],
        params: KeyPath,
        body: Type.Union([reference(RotationSchema), Type.Null()]),
        response: answers(201, reference(KeySchema), 'not-found', 'body-too-large', 'unsupported-media-type'),
      },
      onRequest: [hooks.attempt('key.rotate', idTarget('key')), access.allow('administer')],
    },
    async (request, reply) => {
      const old = keys.find(request.params.id);
      if (!old) throw notFound('key');
      const { overlapSeconds = DAY } = request.body ?? {};
      const { row, key } = await keys.rotate(old.id, overlapSeconds * 1000);
      logger.info({ key: old.id, next: row.id, by: access.caller(request).keyId }, 'A key was rotated.');
      hooks.done(request, { customer: row.customer, detail: { next: row.id } });
      return reply.code(201).send(keyView(row, key));
    },
  );
}

function revokeRoute(api: Api, { keys, logger }: AdminParts, access: Access, hooks: AuditHooks): void {
  api.delete(
    '/keys/:id',
    {
      schema: {
        operationId: 'revokeKey',
        summary: 'Revokes a key',
        description:
          'Its connections and logins end within 2 s. An admin revokes its own key with another one.',
        tags: ['keys'],
        params: KeyPath,
        response: answers(204, Type.Null({ description: 'It is revoked.' }), 'not-found', 'conflict'),
      },
      onRequest: [hooks.attempt('key.revoke', idTarget('key')), access.allow('administer')],
    },
    async (request, reply) => {
      const { keyId } = access.caller(request);
      const { id } = request.params;
      if (id === keyId)
        throw new Refusal('conflict', 'This is the key that you ask with; revoke it with another admin key.');
      const row = keys.find(id);
      if (!row || !(await keys.revoke(id))) throw notFound('key');
      logger.info({ key: id, by: keyId }, 'A key was revoked.');
      hooks.done(request, { customer: row.customer });
      return reply.code(204).send(null);
    },
  );
}
