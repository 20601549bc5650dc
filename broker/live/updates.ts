/**
 * What changed since the last tick and is told in its newest form only: commands (most go from queued to done within one
 * tick) and the desired and reported state of devices. Encodes each once, for all viewers. Each class owns what waits for the
 * next flush.
 */
import type { Command } from '../hub/commands/command.ts';
import type { CommandService } from '../hub/commands/commands.ts';
import type { DesiredStates } from '../hub/desired/desired-states.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import type { Revisions } from '../hub/fleet/revisions.ts';
import { documentsFragment, tooLargeFragment } from './encode.ts';
import type { LiveHistory } from './history.ts';

/** More commands than these are not held back until the tick, which bounds what is kept here. */
const MOST = 1024;

export interface CommandUpdatesParts {
  readonly commands: Pick<CommandService, 'onStep' | 'waitingFor'>;
  readonly history: LiveHistory;
  readonly revisions: Revisions;
  /** Whether anybody could be told. */
  readonly wanted: () => boolean;
}

export class CommandUpdates {
  private readonly parts: CommandUpdatesParts;
  private readonly newest = new Map<string, Command>();
  private undo: (() => void) | null = null;

  constructor(parts: CommandUpdatesParts) {
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
   * The revisions are given here, not at the step, so that no viewer can have been told up to a revision whose command
   * still waited in the map.
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

/** Documents that are longer than this, as JSON, are read over HTTP. */
const DOCUMENT_CHARACTERS = 131_072;
/** Encoded in one tick, so that devices which change large documents hold nobody up; the rest is read over HTTP. */
const TICK_CHARACTERS = 1_048_576;

export interface DesiredUpdatesParts {
  readonly desired: Pick<DesiredStates, 'onChange' | 'view'>;
  readonly fleet: Pick<Fleet, 'find' | 'revisions'>;
  readonly history: LiveHistory;
  /** Whether anybody could be told. */
  readonly wanted: () => boolean;
}

export class DesiredUpdates {
  private readonly parts: DesiredUpdatesParts;
  /** Names of devices. */
  private readonly changed = new Set<string>();
  private undo: (() => void) | null = null;

  constructor(parts: DesiredUpdatesParts) {
    this.parts = parts;
  }

  start(): void {
    this.undo = this.parts.desired.onChange((name) => {
      if (this.parts.wanted()) this.changed.add(name);
    });
  }

  /** Idempotent. */
  stop(): void {
    this.undo?.();
    this.undo = null;
    this.changed.clear();
  }

  /** Revisions as in `CommandUpdates`. A device that was forgotten meanwhile has nothing to tell. */
  flush(): void {
    const { fleet, history, desired } = this.parts;
    let characters = 0;
    for (const name of this.changed) {
      const [customer = '', id = ''] = name.split('/');
      const device = fleet.find(customer, id);
      if (!device) continue;
      const whole = characters < TICK_CHARACTERS ? documentsFragment(device, desired) : null;
      characters += whole?.length ?? 0;
      const fits = whole !== null && whole.length <= DOCUMENT_CHARACTERS;
      history.addDesired(device, fits ? whole : tooLargeFragment(name), fleet.revisions.next());
    }
    this.changed.clear();
  }
}
