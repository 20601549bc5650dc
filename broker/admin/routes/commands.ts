/**
 * Serves the commands of one device, `/devices/{customer}/{device}/commands`: sends one, lists them, and cancels what
 * waits; and `/commands/{id}`: shows one with its timeline, and cancels it. Turns bodies into requests of the hub.
 */
import {
  CancelledSchema,
  CommandListSchema,
  CommandPath,
  CommandQuery,
  CommandSchema,
  CommandsQuery,
  DEFAULT_LIMIT,
  DevicePath,
  type NewCommand,
  NewCommandSchema,
  reference,
} from '../../../schemas/api.ts';
import { parseDuration } from '../../../schemas/durations.ts';
import { may } from '../../../schemas/roles.ts';
import { type Caller, sees } from '../../access/caller.ts';
import { type Command, type CommandRequest, commandView } from '../../hub/commands/command.ts';
import { parseValue } from '../../hub/json.ts';
import type { Access } from '../access.ts';
import { type DeviceParams, findDevice } from '../access.ts';
import { type AuditHooks, type Done, deviceTarget, idTarget } from '../audit-hooks.ts';
import { VALUE_BYTES } from '../errors.ts';
import { answers } from '../openapi.ts';
import { readNumberCursor, writeNumberCursor } from '../paging.ts';
import type { AdminParts, Api } from '../parts.ts';
import { notFound, Refusal } from '../refusal.ts';

/** Throws HubRefusal for arguments outside the profile. */
function readCommandRequest(
  { customer, device }: DeviceParams,
  body: NewCommand,
  { keyId: by, role }: Caller,
): CommandRequest {
  const { name, args = null, ttl, id = null, supersede = null, whenFull = 'refuse' } = body;
  const value = parseValue(args, 'body.args');
  const asker = may(role, 'administer') ? 'admin' : 'other';
  return {
    customer,
    device,
    name,
    args: value,
    ttl: ttlOf(ttl),
    id,
    supersede,
    whenFull,
    job: null,
    by,
    asker,
  };
}

/** The API takes seconds or a text, the hub ms; only 0 becomes 0; null: the configured default. */
export function ttlOf(ttl: number | string | undefined): number | null {
  if (ttl === undefined) return null;
  return Math.ceil(typeof ttl === 'number' ? ttl * 1000 : (parseDuration(ttl, 's') ?? Number.NaN));
}

const PATH = '/devices/:customer/:device/commands';

export function deviceCommandRoutes(api: Api, parts: AdminParts, access: Access, hooks: AuditHooks): void {
  sendRoute(api, parts, access, hooks);
  listRoute(api, parts, access);
  cancelWaitingRoute(api, parts, access, hooks);
}

function sendRoute(api: Api, { fleet, commands }: AdminParts, access: Access, hooks: AuditHooks): void {
  const known = { description: 'This id was asked for before: the command as it stands.' };
  api.post(
    PATH,
    {
      bodyLimit: VALUE_BYTES,
      schema: {
        operationId: 'sendCommand',
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
      onRequest: [hooks.attempt('command.send', deviceTarget), access.allow('operate')],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const { customer, id } = findDevice(fleet, caller, request.params);
      const asked = readCommandRequest({ customer, device: id }, request.body, caller);
      const { command, created } = await commands.issue(asked);
      if (created) hooks.done(request, sent(command));
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
        operationId: 'listCommands',
        summary: 'Commands of a device, newest first',
        tags: ['commands'],
        params: DevicePath,
        querystring: CommandsQuery,
        response: answers(200, reference(CommandListSchema), 'not-found'),
      },
      onRequest: access.allow('read'),
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

function cancelWaitingRoute(
  api: Api,
  { fleet, commands }: AdminParts,
  access: Access,
  hooks: AuditHooks,
): void {
  api.delete(
    PATH,
    {
      schema: {
        operationId: 'cancelWaitingCommands',
        summary: 'Cancels everything that waits for a device',
        description: 'What the device has accepted goes on.',
        tags: ['commands'],
        params: DevicePath,
        response: answers(200, reference(CancelledSchema), 'not-found'),
      },
      onRequest: [hooks.attempt('command.cancel', deviceTarget), access.allow('operate')],
    },
    async (request) => {
      const caller = access.caller(request);
      const { customer, id } = findDevice(fleet, caller, request.params);
      const cancelled = await commands.cancelWaiting(customer, id, caller.keyId);
      hooks.done(request, { customer, detail: { cancelled } });
      return { cancelled };
    },
  );
}

const ONE = '/commands/:id';

export function commandRoutes(api: Api, parts: AdminParts, access: Access, hooks: AuditHooks): void {
  readRoute(api, parts, access);
  cancelRoute(api, parts, access, hooks);
}

function readRoute(api: Api, { commands }: AdminParts, access: Access): void {
  api.get(
    ONE,
    {
      schema: {
        operationId: 'getCommand',
        summary: 'One command with its timeline',
        tags: ['commands'],
        params: CommandPath,
        querystring: CommandQuery,
        response: answers(200, reference(CommandSchema), 'not-found', 'conflict'),
      },
      onRequest: access.allow('read'),
    },
    async (request) => {
      const wanted = { ...request.params, ...request.query };
      const command = await findCommand(commands, access.caller(request), wanted);
      return commandView(command, commands.waitingFor(command));
    },
  );
}

function cancelRoute(api: Api, { commands }: AdminParts, access: Access, hooks: AuditHooks): void {
  api.delete(
    ONE,
    {
      schema: {
        operationId: 'cancelCommand',
        summary: 'Cancels a command',
        description:
          'A device that has it may still do it; what it says then is kept in the timeline, marked as late.',
        tags: ['commands'],
        params: CommandPath,
        querystring: CommandQuery,
        response: answers(200, reference(CommandSchema), 'not-found', 'conflict'),
      },
      onRequest: [hooks.attempt('command.cancel', idTarget('command')), access.allow('operate')],
    },
    async (request) => {
      const caller = access.caller(request);
      const { customer, device, id } = await findCommand(commands, caller, {
        ...request.params,
        ...request.query,
      });
      const command = await commands.cancel(customer, id, caller.keyId);
      if (!command) throw notFound('command');
      const detail = { command: id, name: command.name };
      hooks.done(request, { customer, target: `${customer}/${device}`, detail });
      return commandView(command, commands.waitingFor(command));
    },
  );
}

/** Throws `not-found`, or `conflict` where an admin's id alone does not say which. */
async function findCommand(
  commands: AdminParts['commands'],
  caller: Caller,
  { id, customer = caller.customer }: { readonly id: string; readonly customer?: string },
): Promise<Command> {
  const [command, ...more] = sees(caller, customer) ? await commands.find(customer, id) : [];
  if (!command) throw notFound('command');
  if (more.length === 0) return command;
  const customers = [command, ...more].map((one) => one.customer).join(', ');
  throw new Refusal('conflict', `Commands of several customers have this id (${customers}); add ?customer=.`);
}
