/** `signalbox command …`: list, show and cancel commands of devices. */
import { Command } from 'commander';
import type { CommandView as DeviceCommand } from '../../schemas/api/commands.ts';
import { commandText, inShort } from './command-text.ts';
import { type ConnectionOptions, call, callFirst, connection, withConnection } from './http.ts';
import { age, deviceName, print, printMore, table, wholeNumber } from './output.ts';

interface OneOptions extends ConnectionOptions {
  readonly customer?: string;
}

export function commandCommand(): Command {
  return new Command('command')
    .description('Commands that were sent to devices.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(cancelCommand());
}

function listCommand(): Command {
  return withConnection(new Command('list'))
    .description('Commands of a device, newest first.')
    .argument('<customer/device>')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(async (name: string, options: ConnectionOptions & { limit: number }) => {
      const { customer, device } = deviceName(name);
      const path = `/devices/${customer}/${device}/commands`;
      const { items, more } = await callFirst<DeviceCommand>(connection(options), path, {
        limit: options.limit,
      });
      print(options, items, () => commandTable(items, Date.now()));
      printMore(more);
    });
}

function showCommand(): Command {
  return ofOne(new Command('show'))
    .description('One command with every step that it took.')
    .argument('<id>', 'the command as `command list` names it')
    .action(async (id: string, options: OneOptions) => {
      const command = await call<DeviceCommand>(connection(options), path(id), { query: query(options) });
      print(options, command, () => commandText(command));
    });
}

function cancelCommand(): Command {
  return ofOne(new Command('cancel'))
    .description('Take back a command, or everything that waits for a device.')
    .argument('<id>', 'a command as `command list` names it, or CUSTOMER/DEVICE')
    .action(async (id: string, options: OneOptions) => {
      if (id.includes('/')) return cancelWaiting(id, options);
      const request = { method: 'DELETE', query: query(options) } as const;
      const command = await call<DeviceCommand>(connection(options), path(id), request);
      print(options, command, () => `Command ${command.id} for ${command.device} is cancelled.`);
    });
}

async function cancelWaiting(name: string, options: OneOptions): Promise<void> {
  const { customer, device } = deviceName(name);
  const path = `/devices/${customer}/${device}/commands`;
  const answer = await call<{ cancelled: number }>(connection(options), path, { method: 'DELETE' });
  print(options, answer, () => `Commands that waited for ${name} and are cancelled: ${answer.cancelled}.`);
}

function ofOne(command: Command): Command {
  return withConnection(command).option('--customer <name>', 'whose it is, if the id alone does not say');
}

function path(id: string): string {
  return `/commands/${encodeURIComponent(id)}`;
}

function query({ customer }: OneOptions): { customer: string | undefined } {
  return { customer };
}

function commandTable(commands: readonly DeviceCommand[], now: number): string {
  if (commands.length === 0) return 'No commands.';
  const rows = commands.map((command) => [
    command.id,
    command.name,
    command.status,
    age(command.createdAt, now),
    command.by,
    inShort(command),
  ]);
  return table(['ID', 'NAME', 'STATUS', 'SENT', 'BY', 'WAITS FOR, RESULT OR REASON'], rows);
}
