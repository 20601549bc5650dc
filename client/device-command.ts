/** A command as its handler sees it, from its arrival to its one final result (P-5). Owns how far it has come. */
import type { CommandFrame, Value } from '../broker/wire/frames.ts';
import { type FinalResultName, reasonData } from './command-result.ts';

export interface CommandProgress {
  /** 0 to 100. */
  readonly percent?: number;
  readonly note?: string;
}

export interface DeviceCommand {
  readonly id: string;
  readonly name: string;
  readonly args: Value;
  /** What was left of its life when it came; ms. 0: now or never (P-5.4). */
  readonly ttl: number;
  /** When that runs out, by the client's clock; Unix ms. */
  readonly expiresAt: number;
  /** Says that the device has it and will do it. Only needed where the handler was registered with `accept: 'manual'`. */
  accept(): void;
  /** May be lost with a connection. Throws FrameError for what no frame can carry. */
  progress(progress: CommandProgress): void;
  /** Ends it before its handler returns, such as a reboot that would not. */
  done(data?: Value): void;
  /** Ends it: the device will not do it. A text is the reason. What the handler does afterwards changes nothing. */
  reject(why: Value): void;
  /** Ends it here without a word, as a device that hangs would; for simulations. */
  ignore(): void;
}

/**
 * What it returns is the data of `done`, and nothing is `null`; what it throws makes the command `failed`, with the message
 * as the reason.
 */
// biome-ignore-start lint/suspicious/noConfusingVoidType: TypeScript 5 takes a handler without `return` for nothing else.
export type CommandHandler = (
  command: DeviceCommand,
) => Value | undefined | void | Promise<Value | undefined | void>;
// biome-ignore-end lint/suspicious/noConfusingVoidType: see above

export interface CommandHandlerOptions {
  /** `auto` (default): said when the command has come. `manual`: the handler says it, within the broker's time for that. */
  readonly accept?: 'auto' | 'manual';
}

export interface RegisteredHandler {
  readonly handler: CommandHandler;
  readonly accept: 'auto' | 'manual';
}

/** What `onCommand` was given, with the default. */
export function registration(
  handler: CommandHandler,
  { accept = 'auto' }: CommandHandlerOptions,
): RegisteredHandler {
  return { handler, accept };
}

/** Who says these things to the broker. */
export interface CommandReporter {
  accept(id: string): void;
  progress(id: string, data: Value): void;
  finish(id: string, status: FinalResultName, data: Value): void;
}

export class CommandRun implements DeviceCommand {
  readonly id: string;
  readonly name: string;
  readonly args: Value;
  readonly ttl: number;
  readonly expiresAt: number;
  private readonly reporter: CommandReporter;
  private state: 'taken' | 'accepted' | 'ended' = 'taken';

  /** `now`: when it came. */
  constructor({ id, name, args, ttl }: CommandFrame, now: number, reporter: CommandReporter) {
    this.id = id;
    this.name = name;
    this.args = args;
    this.ttl = ttl;
    this.expiresAt = now + ttl;
    this.reporter = reporter;
  }

  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  accept(): void {
    if (this.state !== 'taken') return;
    this.state = 'accepted';
    this.reporter.accept(this.id);
  }

  progress({ percent, note }: CommandProgress): void {
    if (this.state === 'ended') return;
    const data = { ...(percent !== undefined && { percent }), ...(note !== undefined && { note }) };
    this.reporter.progress(this.id, data);
    // The broker takes it for an acceptance, too.
    this.state = 'accepted';
  }

  done(data: Value = null): void {
    this.end('done', data);
  }

  reject(why: Value): void {
    this.end('rejected', typeof why === 'string' ? reasonData(why) : why);
  }

  ignore(): void {
    this.state = 'ended';
  }

  fail(error: unknown): void {
    this.end('failed', reasonData(error));
  }

  private end(status: FinalResultName, data: Value): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.reporter.finish(this.id, status, data);
  }

  /** Runs the handler to its end. Never rejects for what the handler throws. */
  async run(handler: CommandHandler): Promise<void> {
    let data: Value;
    try {
      data = (await handler(this)) ?? null;
    } catch (error) {
      this.fail(error);
      return;
    }
    this.done(data);
  }
}
