/** Runs `signalbox command …`: lists, shows and cancels commands of devices. */
import { Command } from 'commander';
import type { CommandView as DeviceCommand } from '../../schemas/api/commands.ts';
import { commandText, inShort } from './command-text.ts';
import { type AddressOptions, brokerAddress, call, defined, withAddress } from './http.ts';
import { deviceName, wholeNumber } from './options.ts';
import { age, print, printMore, table } from './output.ts';

interface OneOptions extends AddressOptions {
  readonly customer?: string;
}

const OF_DEVICE = '/devices/{customer}/{device}/commands';

export function commandCommand(): Command {
  return new Command('command')
    .description('Commands that were sent to devices.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(cancelCommand());
}

function listCommand(): Command {
  return withAddress(new Command('list'))
    .description('Commands of a device, newest first.')
    .argument('<customer/device>')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(async (name: string, options: AddressOptions & { limit: number }) => {
      const params = { path: deviceName(name), query: { limit: options.limit } };
      const { items, next } = await call(brokerAddress(options), (api) => api.GET(OF_DEVICE, { params }));
      print(options, items, () => commandTable(items, Date.now()));
      printMore(next !== null);
    });
}

function showCommand(): Command {
  return ofOne(new Command('show'))
    .description('One command with every step that it took.')
    .argument('<id>', 'the command as `command list` names it')
    .action(async (id: string, options: OneOptions) => {
      const params = named(id, options);
      const command = await call(brokerAddress(options), (api) => api.GET('/commands/{id}', { params }));
      print(options, command, () => commandText(command));
    });
}

function cancelCommand(): Command {
  return ofOne(new Command('cancel'))
    .description('Take back a command, or everything that waits for a device.')
    .argument('<id>', 'a command as `command list` names it, or CUSTOMER/DEVICE')
    .action(async (id: string, options: OneOptions) => {
      if (id.includes('/')) return cancelWaiting(id, options);
      const params = named(id, options);
      const command = await call(brokerAddress(options), (api) => api.DELETE('/commands/{id}', { params }));
      print(options, command, () => `Command ${command.id} for ${command.device} is cancelled.`);
    });
}

async function cancelWaiting(name: string, options: OneOptions): Promise<void> {
  const params = { path: deviceName(name) };
  const answer = await call(brokerAddress(options), (api) => api.DELETE(OF_DEVICE, { params }));
  print(options, answer, () => `Commands that waited for ${name} and are cancelled: ${answer.cancelled}.`);
}

function ofOne(command: Command): Command {
  return withAddress(command).option('--customer <name>', 'whose it is, if the id alone does not say');
}

function named(id: string, { customer }: OneOptions) {
  return { path: { id }, query: defined({ customer }) };
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
