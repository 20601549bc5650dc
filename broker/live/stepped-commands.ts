/**
 * Commands that came a step further since the last tick, of each only the newest form: most go from queued to done
 * within one, and are told once. Owns that map until the next flush.
 */
import type { Command, CommandDesk } from '../hub/commands/command.ts';
import type { Revisions } from '../hub/fleet/revisions.ts';
import type { LiveHistory } from './history.ts';

/** More than these are not held back until the tick, which bounds what is kept here. */
const MOST = 1024;

export interface SteppedCommandsParts {
  readonly commands: Pick<CommandDesk, 'onStep' | 'waitingFor'>;
  readonly history: LiveHistory;
  readonly revisions: Revisions;
  /** Whether anybody could be told. */
  readonly wanted: () => boolean;
}

export class SteppedCommands {
  private readonly parts: SteppedCommandsParts;
  private readonly newest = new Map<string, Command>();
  private undo: (() => void) | null = null;

  constructor(parts: SteppedCommandsParts) {
    this.parts = parts;
  }

  start(): void {
    this.undo = this.parts.commands.onStep((command) => this.add(command));
  }

  /** Idempotent. */
  stop(): void {
    this.undo?.();
    this.undo = null;
    this.newest.clear();
  }

  /**
   * Encodes each once, for all viewers. The revisions are given here, not at the step, so that no viewer can have been
   * told up to a revision whose command still waited in the map.
   */
  flush(): void {
    const { commands, history, revisions, wanted } = this.parts;
    if (wanted()) {
      for (const command of this.newest.values()) {
        history.addCommand(command, commands.waitingFor(command), revisions.next());
      }
    }
    this.newest.clear();
  }

  private add(command: Command): void {
    this.newest.set(`${command.customer}/${command.id}`, command);
    if (this.newest.size >= MOST) this.flush();
  }
}
