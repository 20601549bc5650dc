/**
 * Runs `signalbox send CUSTOMER/DEVICE NAME`: sends a command to a device. With `--wait` it follows the command to its
 * end over the live channel, which it listens to before it sends. It also reads the command again when the channel may
 * have missed something, and every few seconds in any case.
 */
import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { CommandView, NewCommand } from '../../schemas/api/commands.ts';
import type { ServerMessage } from '../../schemas/live.ts';
import { commandText, ending, stepLines } from './command-text.ts';
import {
  type AddressOptions,
  type BrokerAddress,
  brokerAddress,
  call,
  Unreachable,
  withAddress,
} from './http.ts';
import { followTopic, waitAgain } from './live.ts';
import { deviceName, json, ttl } from './options.ts';
import { CliError, print } from './output.ts';
import { untilInterrupted } from './waiting.ts';

/** Stats come once a second. */
const STATS_BETWEEN_READS = 5;

interface SendRequest {
  readonly customer: string;
  readonly device: string;
  /** With an id, by which it is known in what the channel says. */
  readonly body: NewCommand & { readonly id: string };
}

/**
 * Resolves with the command at its end. `progress` is called with it after each step, and never with less than before.
 * Rejects with CliError if it cannot be sent or no longer be followed.
 */
async function sendAndFollow(
  connection: BrokerAddress,
  request: SendRequest,
  progress: (command: CommandView) => void,
  signal: AbortSignal,
): Promise<CommandView> {
  const over = new AbortController();
  const end = () => over.abort();
  signal.addEventListener('abort', end);
  try {
    const follower = new CommandFollower(connection, request, progress, over.signal);
    return await follower.run();
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

class CommandFollower {
  private readonly connection: BrokerAddress;
  private readonly request: SendRequest;
  private readonly progress: (command: CommandView) => void;
  private readonly signal: AbortSignal;
  private state: 'connecting' | 'sending' | 'sent' = 'connecting';
  private steps = 0;
  private statsSinceRead = 0;
  private resolve: (command: CommandView) => void = () => undefined;
  private reject: (error: unknown) => void = () => undefined;

  constructor(
    connection: BrokerAddress,
    request: SendRequest,
    progress: (command: CommandView) => void,
    signal: AbortSignal,
  ) {
    this.connection = connection;
    this.request = request;
    this.progress = progress;
    this.signal = signal;
  }

  run(): Promise<CommandView> {
    const { customer, device } = this.request;
    const ended = new Promise<CommandView>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const message = (received: ServerMessage) => this.receive(received);
    const lost = (reason: string, wait: number) => waitAgain(reason, wait, this.signal);
    followTopic(this.connection, `${customer}/${device}`, { message, lost }, this.signal).catch(this.reject);
    return ended;
  }

  private receive(message: ServerMessage): void {
    if (message.type === 'command') {
      for (const command of message.commands) this.see(command);
    } else if (message.type === 'snapshot' && !message.more) {
      // From here on the channel misses nothing; what came before is read.
      if (this.state === 'connecting') this.send();
      else this.readAgain();
    } else if (message.type === 'error' && message.code === 'commands-missed') this.readAgain();
    else if (message.type === 'stats') {
      this.statsSinceRead += 1;
      if (this.statsSinceRead >= STATS_BETWEEN_READS) this.readAgain();
    }
  }

  private send(): void {
    const { customer, device, body } = this.request;
    this.state = 'sending';
    const { signal } = this;
    const params = { path: { customer, device } };
    call(this.connection, (api) =>
      api.POST('/devices/{customer}/{device}/commands', { params, body, signal }),
    )
      .then((command) => {
        this.state = 'sent';
        this.see(command);
      })
      .catch(this.reject);
  }

  /** While it is being sent, the answer to that tells more. */
  private readAgain(): void {
    if (this.state !== 'sent') return;
    this.statsSinceRead = 0;
    const { customer, body } = this.request;
    const { signal } = this;
    const params = { path: { id: body.id }, query: { customer } };
    call(this.connection, (api) => api.GET('/commands/{id}', { params, signal }))
      .then((command) => this.see(command))
      .catch((error: unknown) => {
        // The channel goes on, or is lost as well and comes back: either leads here again.
        if (!(error instanceof Unreachable)) this.reject(error);
      });
  }

  private see(command: CommandView): void {
    const { customer, device, body } = this.request;
    if (command.id !== body.id || command.device !== `${customer}/${device}`) return;
    if (command.timeline.length <= this.steps) return;
    this.steps = command.timeline.length;
    this.progress(command);
    if (command.endedAt !== null) this.resolve(command);
  }
}

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
      const request: SendRequest = { ...deviceName(name), body: bodyOf(commandName, options) };
      const to = brokerAddress(options);
      const command = options.wait ? await follow(to, request, options) : await send(to, request);
      if (options.json || !options.wait) print(options, command, () => commandText(command));
      if (command.endedAt !== null && command.status !== 'done') throw new CliError(ending(command));
    });
}

function bodyOf(name: string, options: SendOptions): SendRequest['body'] {
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

function send(to: BrokerAddress, { customer, device, body }: SendRequest): Promise<CommandView> {
  const params = { path: { customer, device } };
  return call(to, (api) => api.POST('/devices/{customer}/{device}/commands', { params, body }));
}

function follow(to: BrokerAddress, request: SendRequest, options: SendOptions): Promise<CommandView> {
  let printed = 0;
  const progress = (command: CommandView): void => {
    if (!options.json) for (const line of stepLines(command, printed)) console.log(line);
    printed = command.timeline.length;
  };
  const { id } = request.body;
  return untilInterrupted(
    `The command goes on without you: signalbox command show ${id}, or command cancel ${id}.`,
    (signal) => sendAndFollow(to, request, progress, signal),
  );
}
