/**
 * Serves `/devices/{customer}/{device}/desired`: what a device should be like, what it says it is, and the difference
 * (P-6). The entity tag of a document (RFC 9110, section 8.8.3) is its version.
 */
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import {
  DesiredPatchSchema,
  DesiredValuesSchema,
  DevicePath,
  type Documents,
  DocumentsSchema,
  reference,
} from '../../../schemas/api.ts';
import type { Caller } from '../../access/caller.ts';
import type { DesiredChange, DeviceDocuments } from '../../hub/desired/document.ts';
import type { Device } from '../../hub/fleet/device.ts';
import { parseValueMap } from '../../hub/json.ts';
import type { Access } from '../access.ts';
import { findDevice } from '../access.ts';
import { type AuditHooks, deviceTarget } from '../audit-hooks.ts';
import { VALUE_BYTES } from '../errors.ts';
import { answers } from '../openapi.ts';
import type { AdminParts, Api } from '../parts.ts';
import { Refusal } from '../refusal.ts';

/** The tag of the desired document: its version, `"0"` for none. */
function entityTag({ desired }: DeviceDocuments): string {
  return `"${desired?.version ?? 0}"`;
}

/**
 * The version that the caller has seen; null: it does not say, or `*`. One tag as this API gave it: a weak one never
 * matches (RFC 9110, section 13.1.1), and a proxy that makes tags weak should be told apart from a lost update.
 */
function expectedVersion(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null;
  const version = /^\s*"(\d{1,15})"\s*$/.exec(ifMatch)?.[1];
  if (version !== undefined) return Number(version);
  const weak = /^\s*W\//.test(ifMatch);
  throw new Refusal(
    'bad-request',
    `If-Match must be * or the ETag of an answer, such as "3"${weak ? '; a weak tag (W/) never matches' : ''}.`,
  );
}

const PATH = '/devices/:customer/:device/desired';
const TAG = 'The ETag is the version of the desired document, `"0"` while there is none.';

const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description: 'The ETag that you have seen, against lost updates; `*` or none: whatever is there.',
    }),
  ),
});

const CHANGE_PROBLEMS = [
  'not-found',
  'precondition-failed',
  'desired-too-large',
  'too-large-for-device',
  'body-too-large',
  'unsupported-media-type',
] as const;

export function desiredRoutes(api: Api, parts: AdminParts, access: Access, hooks: AuditHooks): void {
  readRoute(api, parts, access);
  putRoute(api, parts, access, hooks);
  patchRoute(api, parts, access, hooks);
}

function readRoute(api: Api, { fleet, desired }: AdminParts, access: Access): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: 'getDesiredState',
        summary: 'Desired and reported state, and the difference',
        description: TAG,
        tags: ['desired'],
        params: DevicePath,
        response: answers(200, reference(DocumentsSchema), 'not-found'),
      },
      onRequest: access.allow('read'),
    },
    async (request, reply) => {
      const device = findDevice(fleet, access.caller(request), request.params);
      return tagged(reply, desired, device, async () => undefined);
    },
  );
}

function putRoute(api: Api, { fleet, desired }: AdminParts, access: Access, hooks: AuditHooks): void {
  api.put(
    PATH,
    {
      bodyLimit: VALUE_BYTES,
      schema: {
        operationId: 'replaceDesiredState',
        summary: 'Replaces the desired state',
        description: `A connected device has it a moment later. ${TAG}`,
        tags: ['desired'],
        params: DevicePath,
        headers: IfMatch,
        body: reference(DesiredValuesSchema),
        response: answers(200, reference(DocumentsSchema), ...CHANGE_PROBLEMS),
      },
      onRequest: [hooks.attempt('desired.put', deviceTarget), access.allow('operate')],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const device = findDevice(fleet, caller, request.params);
      return tagged(reply, desired, device, async () => {
        const values = parseValueMap(request.body, 'body');
        const { version } = await desired.put(device, values, change(caller, request.headers['if-match']));
        hooks.done(request, { customer: device.customer, detail: { version } });
      });
    },
  );
}

function patchRoute(api: Api, { fleet, desired }: AdminParts, access: Access, hooks: AuditHooks): void {
  api.patch(
    PATH,
    {
      bodyLimit: VALUE_BYTES,
      schema: {
        operationId: 'patchDesiredState',
        summary: 'Changes the desired state in part',
        description: `A JSON merge patch (RFC 7396): null takes a name away. ${TAG}`,
        tags: ['desired'],
        consumes: ['application/merge-patch+json', 'application/json'],
        params: DevicePath,
        headers: IfMatch,
        body: reference(DesiredPatchSchema),
        response: answers(200, reference(DocumentsSchema), ...CHANGE_PROBLEMS),
      },
      onRequest: [hooks.attempt('desired.patch', deviceTarget), access.allow('operate')],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const device = findDevice(fleet, caller, request.params);
      return tagged(reply, desired, device, async () => {
        const patch = parseValueMap(request.body, 'body');
        const { version } = await desired.patch(device, patch, change(caller, request.headers['if-match']));
        hooks.done(request, { customer: device.customer, detail: { version } });
      });
    },
  );
}

function change({ keyId }: Caller, ifMatch: string | undefined): DesiredChange {
  return { expected: expectedVersion(ifMatch), by: keyId };
}

/** Does it and tells what is there then; a refusal bears the tag too, so that the caller sees what it missed. */
async function tagged(
  reply: FastifyReply,
  desired: AdminParts['desired'],
  device: Device,
  act: () => Promise<void>,
): Promise<Documents> {
  try {
    await act();
    return desired.view(device);
  } finally {
    reply.header('etag', entityTag(desired.documents(device)));
  }
}
