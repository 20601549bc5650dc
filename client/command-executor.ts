/**
 * Executes commands on the device (P-5): each once, by the handler of its name, in the order in which they came.
 * `CommandExecutor` owns the handlers, the commands that wait for one, and those that are executed. `CommandAnswers`
 * remembers what the device said of each (`seen-commands.ts`), so that one that comes again is answered alike, and keeps
 * it until it is known to have arrived (`unconfirmed.ts`).
 */
import type { Clock } from '../broker/base/clock.ts';
import type { CommandFrame, Value } from '../broker/wire/frames.ts';
import { METRIC_NAME } from '../schemas/frames.ts';
import { type FinalResultName, finalResult, reasonData, resultFrame } from './command-result.ts';
import {
  type CommandHandler,
  type CommandReporter,
  CommandRun,
  type RegisteredHandler,
} from './device-command.ts';
import type { Notify } from './events.ts';
import type { Known, SeenCommands } from './seen-commands.ts';
import type { Unconfirmed } from './unconfirmed.ts';

export interface CommandExecutorParts {
  readonly unconfirmed: Pick<Unconfirmed, 'put' | 'mention'>;
  readonly clock: Clock;
  readonly notify: Notify;
  /** How many handlers may run at once. */
  readonly concurrency: number;
}

interface Open {
  readonly seen: SeenCommands;
  readonly answers: CommandAnswers;
}

interface QueuedCommand {
  readonly run: CommandRun;
  readonly handler: CommandHandler;
  /** When its ttl runs out; monotonic ms. */
  readonly deadline: number;
}

/** Commands that may wait for the handlers of others. */
const MOST_WAITING = 100;
const NAME = new RegExp(METRIC_NAME);

const TOO_LATE = 'too late: its ttl ran out before the device could start it';
const BUSY = 'too late: the device was busy, and a ttl of 0 means now or never';
const FULL = `${MOST_WAITING} commands wait on the device; try again later`;
const STOPPED = 'the device stopped before it could start it';

const UNKNOWN: RegisteredHandler = {
  accept: 'manual',
  handler: (command) => {
    command.reject(`this device knows no command "${command.name}"`);
  },
};

export class CommandExecutor {
  private readonly parts: CommandExecutorParts;
  private readonly handlers = new Map<string, RegisteredHandler>();
  private fallback = UNKNOWN;
  private readonly waiting: QueuedCommand[] = [];
  private readonly running = new Set<CommandRun>();
  private open: Open | null = null;
  private readonly drainers: (() => void)[] = [];

  constructor(parts: CommandExecutorParts) {
    this.parts = parts;
  }

  /** Returns the function that takes the handler away again. Throws TypeError for a name that no command can have. */
  handle(name: string, registered: RegisteredHandler): () => void {
    if (!NAME.test(name)) throw new TypeError(`"${name}" is no name of a command: ${NAME.source} (P-1.4).`);
    if (this.handlers.has(name)) throw new Error(`The command "${name}" has a handler already.`);
    this.handlers.set(name, registered);
    return () => {
      if (this.handlers.get(name) === registered) this.handlers.delete(name);
    };
  }

  /** In place of the default, which rejects what has no handler. */
  handleOthers(registered: RegisteredHandler): () => void {
    this.fallback = registered;
    return () => {
      if (this.fallback === registered) this.fallback = UNKNOWN;
    };
  }

  /** To be called once; what an earlier run left open is answered. */
  start(seen: SeenCommands): void {
    const { unconfirmed, notify } = this.parts;
    const answers = new CommandAnswers({ seen, unconfirmed, notify });
    this.open = { seen, answers };
    answers.start();
  }

  receive(frame: CommandFrame): void {
    const { open, parts } = this;
    if (!open) return;
    const known = open.seen.find(frame.id);
    parts.notify('command', frame);
    if (!known) {
      this.begin(frame, open);
      return;
    }
    parts.notify('repeated', frame);
    open.answers.repeat(frame.id, known);
  }

  /** Resolves when no command waits or is executed, or at `stop`. */
  drained(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.drainers.push(resolve));
  }

  /** What waits is answered; what is executed is not waited for, and can say no more. Idempotent. */
  stop(): void {
    for (const { run } of this.waiting.splice(0)) run.fail(STOPPED);
    this.open?.answers.stop();
    this.open = null;
    this.release();
  }

  private get isIdle(): boolean {
    return this.waiting.length === 0 && [...this.running].every(({ hasEnded }) => hasEnded);
  }

  private begin(frame: CommandFrame, { seen, answers }: Open): void {
    const run = new CommandRun(frame, this.parts.clock.now(), answers);
    try {
      seen.add(run.id);
    } catch (error) {
      // Executed without a note of it, it could be executed again after a restart.
      run.fail(`the device could not note the command: ${reasonData(error).reason}`);
      return;
    }
    const refusal = this.refusal(run);
    if (refusal !== null) run.reject(refusal);
    else this.admit(run);
  }

  private refusal({ ttl }: CommandRun): string | null {
    if (this.running.size < this.parts.concurrency) return null;
    if (ttl === 0) return BUSY;
    return this.waiting.length >= MOST_WAITING ? FULL : null;
  }

  /** Accepted at once, and not when it is its turn: the broker takes silence for a lost command. */
  private admit(run: CommandRun): void {
    const { handler, accept } = this.handlers.get(run.name) ?? this.fallback;
    if (accept === 'auto') run.accept();
    this.waiting.push({ run, handler, deadline: this.parts.clock.monotonic() + run.ttl });
    this.startNext();
  }

  private startNext(): void {
    while (this.running.size < this.parts.concurrency) {
      const next = this.waiting.shift();
      if (!next) return;
      const { run, deadline } = next;
      if (run.ttl > 0 && this.parts.clock.monotonic() >= deadline) run.fail(TOO_LATE);
      else void this.execute(next);
    }
  }

  private async execute({ run, handler }: QueuedCommand): Promise<void> {
    this.running.add(run);
    try {
      await run.run(handler);
    } finally {
      this.running.delete(run);
      this.startNext();
      if (this.isIdle) this.release();
    }
  }

  private release(): void {
    for (const resolve of this.drainers.splice(0)) resolve();
  }
}

interface CommandAnswersParts {
  readonly seen: SeenCommands;
  readonly unconfirmed: Pick<Unconfirmed, 'put' | 'mention'>;
  readonly notify: Notify;
}

/** How long a result is kept for a broker that acknowledges nothing, since no telemetry is sent; ms. */
const KEEP_FOR = 600_000;

const RESTARTED = 'the device restarted while executing it';

/** What the result of a command is kept as. */
export function resultName(id: string): string {
  return `result of command ${id}`;
}

class CommandAnswers implements CommandReporter {
  private readonly parts: CommandAnswersParts;
  private state: 'open' | 'stopped' = 'open';

  constructor(parts: CommandAnswersParts) {
    this.parts = parts;
  }

  /** What an earlier run left open: how far it came cannot be known, so nothing is executed again. */
  start(): void {
    for (const [id, known] of [...this.parts.seen.open()]) {
      if ('frame' in known) this.keep(id, known.frame);
      else this.finish(id, 'failed', reasonData(RESTARTED));
    }
  }

  /** Nothing is said or noted from here on: a handler that still runs has not come to its end. Idempotent. */
  stop(): void {
    this.state = 'stopped';
  }

  accept(id: string): void {
    if (this.state === 'stopped') return;
    this.parts.seen.accepted(id);
    this.keep(id, resultFrame(id, 'accepted', null));
    this.parts.notify('answered', { id, status: 'accepted', data: null });
  }

  progress(id: string, data: Value): void {
    if (this.state === 'stopped') return;
    const frame = resultFrame(id, 'progress', data);
    this.parts.seen.accepted(id);
    this.parts.unconfirmed.mention(frame);
    this.parts.notify('answered', { id, status: 'progress', data });
  }

  finish(id: string, wanted: FinalResultName, wantedData: Value): void {
    if (this.state === 'stopped') return;
    const { status, data, frame } = finalResult(id, wanted, wantedData);
    this.parts.seen.finish(id, status, frame);
    this.keep(id, frame);
    this.parts.notify('answered', { id, status, data });
  }

  /** The command came again. One that was taken and not accepted yet is still its handler's to answer. */
  repeat(id: string, known: Known): void {
    if ('frame' in known) this.keep(id, known.frame);
    else if (known.state === 'accepted') this.keep(id, resultFrame(id, 'accepted', null));
  }

  private keep(id: string, frame: Uint8Array): void {
    const settled = () => {
      if (this.state === 'open') this.parts.seen.settle(id);
    };
    this.parts.unconfirmed.put(resultName(id), frame, { keepFor: KEEP_FOR, settled });
  }
}
