/** `signalbox send CUSTOMER/DEVICE NAME`: a command to a device, and with `--wait` every step of it. */
import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { CommandView as DeviceCommand } from '../../schemas/api/commands.ts';
import { commandText, ending, stepLines } from './command-text.ts';
import { type Order, sendAndFollow } from './follow-command.ts';
import { type AddressOptions, type BrokerAddress, brokerAddress, call, withAddress } from './http.ts';
import { CliError, deviceName, json, print, ttl, untilInterrupted } from './output.ts';

interface SendOptions extends AddressOptions {
  readonly args?: unknown;
  readonly ttl?: number;
  readonly id?: string;
  readonly supersede?: string;
  readonly expireOldest?: true;
  readonly wait?: true;
}

export function sendCommand(): Command {
  return withAddress(new Command('send'))
    .description(
      'Send a command to a device. Exits with 0 once it is stored; with --wait, only if it is done.',
    )
    .argument('<customer/device>')
    .argument('<name>', 'what the device is asked to do')
    .option('--args <json>', 'its arguments', json)
    .option('--ttl <duration>', 'how long it lives, such as 60s or 10m, or in seconds; 0: now or never', ttl)
    .option('--id <id>', 'your own id: sent again with it, the same command answers')
    .option('--supersede <word>', 'a waiting command of the device with the same word is cancelled')
    .option('--expire-oldest', 'if too many wait for the device, the oldest one makes room')
    .option('--wait', 'print each step until its end')
    .action(async (name: string, commandName: string, options: SendOptions) => {
      const order: Order = { ...deviceName(name), body: bodyOf(commandName, options) };
      const to = brokerAddress(options);
      const command = options.wait ? await follow(to, order, options) : await send(to, order);
      if (options.json || !options.wait) print(options, command, () => commandText(command));
      if (command.endedAt !== null && command.status !== 'done') throw new CliError(ending(command));
    });
}

function bodyOf(name: string, options: SendOptions): Order['body'] {
  const { args, ttl, supersede, expireOldest, id = randomUUID() } = options;
  return {
    name,
    id,
    ...(args !== undefined && { args }),
    ...(ttl !== undefined && { ttl: ttl / 1000 }),
    ...(supersede !== undefined && { supersede }),
    ...(expireOldest && { whenFull: 'expire-oldest' }),
  };
}

function send(to: BrokerAddress, { customer, device, body }: Order): Promise<DeviceCommand> {
  const params = { path: { customer, device } };
  return call(to, (api) => api.POST('/devices/{customer}/{device}/commands', { params, body }));
}

function follow(to: BrokerAddress, order: Order, options: SendOptions): Promise<DeviceCommand> {
  let printed = 0;
  const progress = (command: DeviceCommand): void => {
    if (!options.json) for (const line of stepLines(command, printed)) console.log(line);
    printed = command.timeline.length;
  };
  const { id } = order.body;
  return untilInterrupted(
    `The command goes on without you: signalbox command show ${id}, or command cancel ${id}.`,
    (signal) => sendAndFollow(to, order, progress, signal),
  );
}
