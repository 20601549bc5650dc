/** `/devices/{customer}/{device}/commands`: send one to a device, list what it was sent, cancel what waits for it. */
import {
  CancelledSchema,
  CommandListSchema,
  CommandSchema,
  CommandsQuery,
  DEFAULT_LIMIT,
  DevicePath,
  NewCommandSchema,
  reference,
} from '../../../schemas/api.ts';
import type { Command } from '../../hub/commands/command.ts';
import { commandView } from '../../hub/commands/command-view.ts';
import type { Access } from '../access.ts';
import type { Api } from '../api.ts';
import { commandWish } from '../command-wish.ts';
import type { AdminParts } from '../context.ts';
import { VALUE_BYTES } from '../errors.ts';
import { findDevice } from '../find-device.ts';
import { answers } from '../openapi.ts';
import { readNumberCursor, writeNumberCursor } from '../paging.ts';
import { type Done, deviceTarget, type Trail } from '../trail.ts';

const PATH = '/devices/:customer/:device/commands';

export function deviceCommandRoutes(api: Api, parts: AdminParts, access: Access, trail: Trail): void {
  sendRoute(api, parts, access, trail);
  listRoute(api, parts, access);
  cancelRoute(api, parts, access, trail);
}

function sendRoute(api: Api, { fleet, commands }: AdminParts, access: Access, trail: Trail): void {
  const known = { description: 'This id was asked for before: the command as it stands.' };
  api.post(
    PATH,
    {
      bodyLimit: VALUE_BYTES,
      schema: {
        summary: 'Sends a command',
        description:
          'The answer comes when the command is stored, not when the device has it: read it again, or follow the live channel.',
        tags: ['commands'],
        params: DevicePath,
        body: reference(NewCommandSchema),
        response: {
          ...answers(201, reference(CommandSchema), ...SEND_PROBLEMS),
          200: { ...reference(CommandSchema), ...known },
        },
      },
      onRequest: [trail.attempt('command.send', deviceTarget), access.operators],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const { customer, id } = findDevice(fleet, caller, request.params);
      const wish = commandWish({ customer, device: id }, request.body, caller);
      const { command, created } = await commands.issue(wish);
      if (created) trail.done(request, sent(command));
      return reply.code(created ? 201 : 200).send(commandView(command, commands.waitingFor(command)));
    },
  );
}

const SEND_PROBLEMS = [
  'not-found',
  'conflict',
  'args-too-large',
  'too-large-for-device',
  'body-too-large',
  'unsupported-media-type',
  'too-many-commands',
] as const;

/** The hub settles the entry when the command ends; one that has ended already (a ttl of 0) is settled here. */
function sent({ customer, id, name, status, endedAt }: Command): Done {
  const entry = { customer, detail: { command: id, name } };
  if (endedAt !== null) return { ...entry, outcome: status };
  return { ...entry, outcome: null, reference: `command ${customer}/${id}` };
}

function listRoute(api: Api, { fleet, commands }: AdminParts, access: Access): void {
  api.get(
    PATH,
    {
      schema: {
        summary: 'Commands of a device, newest first',
        tags: ['commands'],
        params: DevicePath,
        querystring: CommandsQuery,
        response: answers(200, reference(CommandListSchema), 'not-found'),
      },
      onRequest: access.readers,
    },
    async (request) => {
      const { customer, id } = findDevice(fleet, access.caller(request), request.params);
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const before = readNumberCursor(cursor, 'commands');
      const { items, next } = await commands.list({ customer, device: id, job: null, before, limit });
      return {
        items: items.map((command) => commandView(command, commands.waitingFor(command))),
        next: writeNumberCursor(next, 'commands'),
      };
    },
  );
}

function cancelRoute(api: Api, { fleet, commands }: AdminParts, access: Access, trail: Trail): void {
  api.delete(
    PATH,
    {
      schema: {
        summary: 'Cancels everything that waits for a device',
        description: 'What the device has accepted goes on.',
        tags: ['commands'],
        params: DevicePath,
        response: answers(200, reference(CancelledSchema), 'not-found'),
      },
      onRequest: [trail.attempt('command.cancel', deviceTarget), access.operators],
    },
    async (request) => {
      const caller = access.caller(request);
      const { customer, id } = findDevice(fleet, caller, request.params);
      const cancelled = await commands.cancelWaiting(customer, id, caller.keyId);
      trail.done(request, { customer, detail: { cancelled } });
      return { cancelled };
    },
  );
}
