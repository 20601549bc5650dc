/**
 * What the device says of its commands (P-5.3): each thing is remembered, so that a command that comes again is answered
 * alike, and kept until it is known to have arrived. Owns neither memory; ends with the client.
 */
import type { Value } from '../broker/wire/frames.ts';
import { type FinalResultName, finalResult, reasonData, resultFrame } from './command-result.ts';
import type { CommandTeller } from './device-command.ts';
import type { Tell } from './events.ts';
import type { Known, SeenCommands } from './seen-commands.ts';
import type { Unconfirmed } from './unconfirmed.ts';

export interface CommandAnswersParts {
  readonly seen: SeenCommands;
  readonly unconfirmed: Pick<Unconfirmed, 'put' | 'mention'>;
  readonly tell: Tell;
}

/** How long a result is kept for a broker that acknowledges nothing, since no telemetry is sent; ms. */
const KEEP_FOR = 600_000;

const RESTARTED = 'the device restarted while executing it';

/** What the result of a command is kept as. */
export function resultName(id: string): string {
  return `result of command ${id}`;
}

export class CommandAnswers implements CommandTeller {
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
    this.parts.tell('answered', { id, status: 'accepted', data: null });
  }

  progress(id: string, data: Value): void {
    if (this.state === 'stopped') return;
    const frame = resultFrame(id, 'progress', data);
    this.parts.seen.accepted(id);
    this.parts.unconfirmed.mention(frame);
    this.parts.tell('answered', { id, status: 'progress', data });
  }

  finish(id: string, wanted: FinalResultName, wantedData: Value): void {
    if (this.state === 'stopped') return;
    const { status, data, frame } = finalResult(id, wanted, wantedData);
    this.parts.seen.finish(id, status, frame);
    this.keep(id, frame);
    this.parts.tell('answered', { id, status, data });
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
