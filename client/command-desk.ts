/**
 * Commands on the device's side (P-5): each is taken once, given to the handler of its name in the order in which they
 * came, and answered. Owns the handlers and the commands that wait for one. What was said is kept by `Unconfirmed`, what
 * is known of each id by `SeenCommands`.
 */
import type { Clock } from '../broker/wire/environment.ts';
import type { CommandFrame, Value } from '../broker/wire/frames.ts';
import { METRIC_NAME } from '../schemas/frames.ts';
import { type FinalResultName, finalResult, reasonData, resultFrame } from './command-result.ts';
import { type CommandHandler, CommandRun, type Registered } from './device-command.ts';
import type { Tell } from './events.ts';
import type { Known, SeenCommands } from './seen-commands.ts';
import type { Unconfirmed } from './unconfirmed.ts';

export interface CommandDeskParts {
  readonly unconfirmed: Pick<Unconfirmed, 'put' | 'mention'>;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly concurrency: number;
}

interface Waiting {
  readonly run: CommandRun;
  readonly handler: CommandHandler;
}

/** Commands that may wait for the handlers of others. */
const MOST_WAITING = 100;
/** How long a result is kept for a broker that acknowledges nothing, since no telemetry is sent; ms. */
const KEEP_FOR = 600_000;

const NAME = new RegExp(METRIC_NAME);

const TOO_LATE = 'too late: its ttl ran out before the device could start it';
const BUSY = 'too late: the device was busy, and a ttl of 0 means now or never';
const FULL = `${MOST_WAITING} commands wait on the device; try again later`;
const RESTARTED = 'the device restarted while executing it';
const STOPPED = 'the device stopped before it could start it';

const UNKNOWN: Registered = {
  accept: 'manual',
  handler: (command) => {
    command.reject(`this device knows no command "${command.name}"`);
  },
};

export class CommandDesk {
  private readonly parts: CommandDeskParts;
  private readonly handlers = new Map<string, Registered>();
  private fallback = UNKNOWN;
  private waiting: Waiting[] = [];
  private readonly running = new Set<CommandRun>();
  private seen: SeenCommands | null = null;
  private idle: (() => void)[] = [];

  constructor(parts: CommandDeskParts) {
    this.parts = parts;
  }

  /** Returns the function that takes the handler away again. Throws TypeError for a name that no command can have. */
  handle(name: string, registered: Registered): () => void {
    if (!NAME.test(name)) throw new TypeError(`"${name}" is no name of a command: ${NAME.source} (P-1.4).`);
    if (this.handlers.has(name)) throw new Error(`The command "${name}" has a handler already.`);
    this.handlers.set(name, registered);
    return () => {
      if (this.handlers.get(name) === registered) this.handlers.delete(name);
    };
  }

  handleOthers(registered: Registered): () => void {
    this.fallback = registered;
    return () => {
      if (this.fallback === registered) this.fallback = UNKNOWN;
    };
  }

  /** What an earlier run left open is answered: what it executed cannot be known, so nothing is executed again. */
  start(seen: SeenCommands): void {
    this.seen = seen;
    for (const [id, known] of [...seen.open()]) {
      if (known.state === 'final') this.keep(id, known.frame);
      else this.finish(id, 'failed', reasonData(RESTARTED));
    }
  }

  receive(frame: CommandFrame): void {
    if (!this.seen) return;
    const known = this.seen.find(frame.id);
    this.parts.tell('command', frame);
    if (known) this.repeat(frame, known);
    else this.take(frame, this.seen);
  }

  /** Resolves when no handler runs and no command waits, or when `stop` is called. */
  drained(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  /** What waits is answered, what runs is not waited for. Nothing is said from here on. Idempotent. */
  stop(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const { run } of waiting) run.fail(STOPPED);
    this.seen = null;
    this.settleIdle();
  }

  private get isIdle(): boolean {
    return this.waiting.length === 0 && [...this.running].every(({ hasEnded }) => hasEnded);
  }

  private take(frame: CommandFrame, seen: SeenCommands): void {
    const { handler, accept } = this.handlers.get(frame.name) ?? this.fallback;
    const run = new CommandRun(frame, this.parts.clock.now(), this);
    try {
      seen.take(run.id);
    } catch (error) {
      // It must not be executed, for after a restart it could be executed again.
      run.fail(`the device could not note the command: ${reasonData(error).reason}`);
      return;
    }
    const refusal = this.refusal(run);
    if (refusal !== null) {
      run.reject(refusal);
      return;
    }
    if (accept === 'auto') run.accept();
    this.waiting.push({ run, handler });
    this.startNext();
  }

  private refusal({ ttl }: CommandRun): string | null {
    if (this.running.size < this.parts.concurrency) return null;
    if (ttl === 0) return BUSY;
    return this.waiting.length >= MOST_WAITING ? FULL : null;
  }

  private startNext(): void {
    while (this.running.size < this.parts.concurrency) {
      const next = this.waiting.shift();
      if (!next) return;
      const { run } = next;
      if (run.ttl > 0 && this.parts.clock.now() >= run.expiresAt) run.fail(TOO_LATE);
      else void this.execute(next);
    }
  }

  private async execute({ run, handler }: Waiting): Promise<void> {
    this.running.add(run);
    try {
      await run.run(handler);
    } finally {
      this.running.delete(run);
      this.startNext();
      this.settleIdle();
    }
  }

  private repeat(frame: CommandFrame, known: Known): void {
    this.parts.tell('repeated', frame);
    if ('frame' in known) this.keep(frame.id, known.frame);
    else if (known.state === 'accepted') this.keep(frame.id, resultFrame(frame.id, 'accepted', null));
  }

  accept(id: string): void {
    if (!this.seen) return;
    this.seen.accepted(id);
    this.keep(id, resultFrame(id, 'accepted', null));
    this.parts.tell('answered', { id, status: 'accepted', data: null });
  }

  progress(id: string, data: Value): void {
    if (!this.seen) return;
    this.seen.accepted(id);
    this.parts.unconfirmed.mention(resultFrame(id, 'progress', data));
    this.parts.tell('answered', { id, status: 'progress', data });
  }

  finish(id: string, status: FinalResultName, data: Value): void {
    if (!this.seen) return;
    const result = finalResult(id, status, data);
    this.seen.finish(id, result.status, result.frame);
    this.keep(id, result.frame);
    this.parts.tell('answered', { id, status: result.status, data: result.data });
    this.settleIdle();
  }

  private keep(id: string, frame: Uint8Array): void {
    const settled = () => this.seen?.settle(id);
    this.parts.unconfirmed.put(`result of command ${id}`, frame, { keepFor: KEEP_FOR, settled });
  }

  private settleIdle(): void {
    if (this.seen && !this.isIdle) return;
    for (const resolve of this.idle.splice(0)) resolve();
  }
}
