/** `/commands/{id}`: one command with its timeline, and cancelling it. */
import { CommandPath, CommandQuery, CommandSchema, reference } from '../../../schemas/api.ts';
import { type Caller, sees } from '../../access/caller.ts';
import type { Command, CommandDesk } from '../../hub/commands/command.ts';
import { commandView } from '../../hub/commands/command-view.ts';
import type { Access } from '../access.ts';
import type { Api } from '../api.ts';
import type { AdminParts } from '../context.ts';
import { answers } from '../openapi.ts';
import { notFound, Refusal } from '../refusal.ts';
import { idTarget, type Trail } from '../trail.ts';

const ONE = '/commands/:id';

export function commandRoutes(api: Api, parts: AdminParts, access: Access, trail: Trail): void {
  readRoute(api, parts, access);
  cancelRoute(api, parts, access, trail);
}

function readRoute(api: Api, { commands }: AdminParts, access: Access): void {
  api.get(
    ONE,
    {
      schema: {
        summary: 'One command with its timeline',
        tags: ['commands'],
        params: CommandPath,
        querystring: CommandQuery,
        response: answers(200, reference(CommandSchema), 'not-found', 'conflict'),
      },
      onRequest: access.readers,
    },
    async (request) => {
      const wanted = { ...request.params, ...request.query };
      const command = await findCommand(commands, access.caller(request), wanted);
      return commandView(command, commands.waitingFor(command));
    },
  );
}

function cancelRoute(api: Api, { commands }: AdminParts, access: Access, trail: Trail): void {
  api.delete(
    ONE,
    {
      schema: {
        summary: 'Cancels a command',
        description:
          'A device that has it may still do it; what it says then is kept in the timeline, marked as late.',
        tags: ['commands'],
        params: CommandPath,
        querystring: CommandQuery,
        response: answers(200, reference(CommandSchema), 'not-found', 'conflict'),
      },
      onRequest: [trail.attempt('command.cancel', idTarget('command')), access.operators],
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
      trail.done(request, { customer, target: `${customer}/${device}`, detail });
      return commandView(command, commands.waitingFor(command));
    },
  );
}

/** Throws `not-found`, or `conflict` where an admin's id alone does not say which. */
async function findCommand(
  commands: CommandDesk,
  caller: Caller,
  { id, customer = caller.customer }: { readonly id: string; readonly customer?: string },
): Promise<Command> {
  const [command, ...more] = sees(caller, customer) ? await commands.find(customer, id) : [];
  if (!command) throw notFound('command');
  if (more.length === 0) return command;
  const customers = [command, ...more].map((one) => one.customer).join(', ');
  throw new Refusal('conflict', `Commands of several customers have this id (${customers}); add ?customer=.`);
}
