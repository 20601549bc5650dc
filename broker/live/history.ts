/**
 * What cannot be read from the fleet any more and yet must be told: events, steps of commands, and devices that were
 * forgotten. Owns the lists, shared by all viewers, so that a slow one costs nothing here.
 *
 * The last few things that happened, for viewers that fell behind. Owns a list bounded in number and characters.
 *
 * Events and commands of the recent past as messages, for the topics of one viewer.
 *
 * Commands that came a step further since the last tick, of each only the newest form: most go from queued to done
 * within one, and are told once. Owns that map until the next flush.
 */
import type { LiveErrorCode } from '../../schemas/live.ts';
import type { Command, CommandDesk } from '../hub/commands/command.ts';
import type { Device } from '../hub/fleet/device.ts';
import type { DeviceEvent } from '../hub/fleet/events.ts';
import type { Revisions } from '../hub/fleet/revisions.ts';
import { commandFragment, errorMessage, eventFragment, forgottenFragment, Page } from './encode.ts';
import { anyCovers, type Subscription } from './subscription.ts';

export class Recent<Item extends { readonly rev: number; readonly characters: number }> {
  private readonly limits: { readonly items: number; readonly characters: number };
  private readonly items: Item[] = [];
  private characters = 0;
  /** The newest revision that fell out. */
  private droppedTo = 0;

  constructor(limits: { readonly items: number; readonly characters: number }) {
    this.limits = limits;
  }

  /** Revisions rise from call to call. The newest item is kept whatever its size. */
  add(item: Item): void {
    this.items.push(item);
    this.characters += item.characters;
    while (this.items.length > this.limits.items || this.characters > this.limits.characters) {
      if (this.items.length === 1) return;
      const dropped = this.items.shift() as Item;
      this.characters -= dropped.characters;
      this.droppedTo = dropped.rev;
    }
  }

  /** The newest revision held; 0: nothing. */
  get newest(): number {
    return this.items.at(-1)?.rev ?? 0;
  }

  /** Whether nothing after `rev` has fallen out. */
  holdsAllAfter(rev: number): boolean {
    return rev >= this.droppedTo;
  }

  /** What is held of after `rev`, oldest first. */
  after(rev: number): readonly Item[] {
    let from = this.items.length;
    while (from > 0 && (this.items[from - 1] as Item).rev > rev) from -= 1;
    return this.items.slice(from);
  }
}

export interface HappeningPage {
  /** null: nothing to tell. */
  readonly message: Buffer | null;
  /** Everything up to this revision is told then. */
  readonly toldTo: number;
}

/** A page of what came after `since`. Told up to `upTo` when nothing is left; said first if some is lost. */
export function happeningPage(
  { recent, type, list, missed }: Feed,
  revisions: Revisions,
  subscriptions: readonly Subscription[],
  range: { readonly since: number; readonly upTo: number; readonly pageCharacters: number },
): HappeningPage {
  const { since, upTo, pageCharacters } = range;
  const held = recent.after(since);
  const [oldest] = held;
  if (oldest && !recent.holdsAllAfter(since)) {
    const message = subscriptions.length === 0 ? null : errorMessage(revisions.next(), missed);
    return { message, toldTo: oldest.rev - 1 };
  }
  const page = new Page(pageCharacters);
  let toldTo = upTo;
  for (const { rev, customer, device, fragment } of held) {
    if (!anyCovers(subscriptions, customer, device)) continue;
    page.add(fragment);
    if (!page.full) continue;
    toldTo = rev;
    break;
  }
  const message = page.empty ? null : page.take(`"type":"${type}","rev":${revisions.next()}`, list);
  return { message, toldTo };
}

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

/** Something that happened to a device, ready to be told. */
export interface Happening {
  readonly rev: number;
  readonly customer: string;
  readonly device: string;
  readonly fragment: string;
  readonly characters: number;
}

/** Happenings that viewers are told one by one, and how. */
export interface Feed {
  readonly recent: Recent<Happening>;
  readonly type: 'event' | 'command';
  readonly list: 'events' | 'commands';
  /** What a viewer is told that missed some: they are on record elsewhere. */
  readonly missed: LiveErrorCode;
}

export class LiveHistory {
  readonly events: Feed = {
    recent: new Recent({ items: 1024, characters: 262_144 }),
    type: 'event',
    list: 'events',
    missed: 'events-missed',
  };
  /** About two seconds of a fleet that is sent 1,000 commands a second. */
  readonly commands: Feed = {
    recent: new Recent({ items: 4096, characters: 2_097_152 }),
    type: 'command',
    list: 'commands',
    missed: 'commands-missed',
  };
  readonly feeds: readonly Feed[] = [this.events, this.commands];
  /** A viewer that missed some gets a fresh snapshot. */
  readonly forgotten = new Recent<Happening>({ items: 1024, characters: 262_144 });

  addEvent(device: Device, event: DeviceEvent): void {
    const { customer, id } = device;
    this.events.recent.add(happening(customer, id, event.rev, eventFragment(device, event)));
  }

  addCommand(command: Command, waitingFor: string | null, rev: number): void {
    const { customer, device } = command;
    this.commands.recent.add(happening(customer, device, rev, commandFragment(command, waitingFor)));
  }

  addForgotten(customer: string, device: string, rev: number): void {
    this.forgotten.add(happening(customer, device, rev, forgottenFragment(`${customer}/${device}`, rev)));
  }
}

function happening(customer: string, device: string, rev: number, fragment: string): Happening {
  return { rev, customer, device, fragment, characters: fragment.length };
}
