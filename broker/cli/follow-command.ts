/**
 * Sends a command and follows it to its end: over the live channel, which is listened to before the command is sent, and
 * by reading the command again: when the channel may have missed something, and every few seconds in any case.
 */
import type { CommandView, NewCommand } from '../../schemas/api/commands.ts';
import type { ServerMessage } from '../../schemas/live.ts';
import { type BrokerAddress, call, Unreachable } from './http.ts';
import { followTopic, waitAgain } from './live.ts';

/** Stats come once a second. */
const STATS_BETWEEN_READS = 5;

export interface Order {
  readonly customer: string;
  readonly device: string;
  /** With an id, by which it is known in what the channel says. */
  readonly body: NewCommand & { readonly id: string };
}

/**
 * Resolves with the command at its end. `progress` is called with it after each step, and never with less than before.
 * Rejects with CliError if it cannot be sent or no longer be followed.
 */
export async function sendAndFollow(
  connection: BrokerAddress,
  order: Order,
  progress: (command: CommandView) => void,
  signal: AbortSignal,
): Promise<CommandView> {
  const over = new AbortController();
  const end = () => over.abort();
  signal.addEventListener('abort', end);
  try {
    const follower = new CommandFollower(connection, order, progress, over.signal);
    return await follower.run();
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

class CommandFollower {
  private readonly connection: BrokerAddress;
  private readonly order: Order;
  private readonly progress: (command: CommandView) => void;
  private readonly signal: AbortSignal;
  private state: 'connecting' | 'sending' | 'sent' = 'connecting';
  private steps = 0;
  private statsSinceRead = 0;
  private resolve: (command: CommandView) => void = () => undefined;
  private reject: (error: unknown) => void = () => undefined;

  constructor(
    connection: BrokerAddress,
    order: Order,
    progress: (command: CommandView) => void,
    signal: AbortSignal,
  ) {
    this.connection = connection;
    this.order = order;
    this.progress = progress;
    this.signal = signal;
  }

  run(): Promise<CommandView> {
    const { customer, device } = this.order;
    const ended = new Promise<CommandView>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const message = (received: ServerMessage) => this.take(received);
    const lost = (reason: string, wait: number) => waitAgain(reason, wait, this.signal);
    followTopic(this.connection, `${customer}/${device}`, { message, lost }, this.signal).catch(this.reject);
    return ended;
  }

  private take(message: ServerMessage): void {
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
    const { customer, device, body } = this.order;
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
    const { customer, body } = this.order;
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
    const { customer, device, body } = this.order;
    if (command.id !== body.id || command.device !== `${customer}/${device}`) return;
    if (command.timeline.length <= this.steps) return;
    this.steps = command.timeline.length;
    this.progress(command);
    if (command.endedAt !== null) this.resolve(command);
  }
}
