/**
 * Answers the commands of a simulated device: in order, each after a while, some with a failure, some never. The fate of a
 * command follows from its id and the seed, so that it is the same however often it is simulated. Owns the order.
 */
import type { Clock } from '../broker/base/clock.ts';
import { SerialQueue } from '../broker/base/serial-queue.ts';
import type { Value } from '../broker/wire/frames.ts';
import type { DeviceClient, DeviceCommand } from '../client/index.ts';
import { type Action, ActionRefused } from './profiles/profile.ts';
import { seeded, seedFor } from './random.ts';

export interface CommandBehaviour {
  /** From acceptance to result; ms, the shortest and the longest. */
  readonly latency: readonly [least: number, most: number];
  /** Shares of 1: of the commands that fail, and of those that are never answered. */
  readonly failures: number;
  readonly silence: number;
}

export const OBLIGING: CommandBehaviour = { latency: [50, 500], failures: 0, silence: 0 };

export interface SimulatedCommandsParts {
  readonly client: DeviceClient;
  readonly actions: Readonly<Record<string, Action>>;
  readonly behaviour: CommandBehaviour;
  readonly clock: Clock;
  readonly seed: number;
  /** Called when the device begins to carry it out. */
  readonly onExecuted: (id: string) => void;
}

type Fate = { readonly kind: 'silence' } | { readonly kind: 'success' | 'failure'; readonly latency: number };

export class SimulatedCommands {
  private readonly parts: SimulatedCommandsParts;
  private readonly turns = new SerialQueue();

  constructor(parts: SimulatedCommandsParts) {
    this.parts = parts;
  }

  /** From here on the client answers these commands; others it rejects by itself. To be called once. */
  start(): void {
    const { client, actions } = this.parts;
    // Manual, for a command that is never answered must not be accepted either.
    for (const [name, action] of Object.entries(actions))
      client.onCommand(name, (command) => this.answer(command, action), { accept: 'manual' });
  }

  private async answer(command: DeviceCommand, action: Action): Promise<Value | undefined> {
    const fate = fateOf(command.id, this.parts);
    if (fate.kind === 'silence') {
      command.ignore();
      return;
    }
    command.accept();
    return this.turns.run(() => this.carryOut(command, action, fate));
  }

  private async carryOut(
    command: DeviceCommand,
    action: Action,
    { kind, latency }: Exclude<Fate, { kind: 'silence' }>,
  ): Promise<Value | undefined> {
    await this.wait(latency / 2);
    command.progress({ percent: 50 });
    await this.wait(latency / 2);
    if (command.ttl > 0 && this.parts.clock.now() >= command.expiresAt)
      throw new Error('too late: its ttl ran out before it was its turn');
    this.parts.onExecuted(command.id);
    if (kind === 'failure') throw new Error('a simulated failure');
    try {
      return action(command.args);
    } catch (error) {
      if (!(error instanceof ActionRefused)) throw error;
      command.reject(error.message);
      return;
    }
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.parts.clock.after(milliseconds, resolve));
  }
}

function fateOf(id: string, { behaviour, seed }: SimulatedCommandsParts): Fate {
  const random = seeded(seedFor(seed, id));
  const [least, most] = behaviour.latency;
  const latency = least + random() * (most - least);
  if (random() < behaviour.silence) return { kind: 'silence' };
  return { kind: random() < behaviour.failures ? 'failure' : 'success', latency };
}
