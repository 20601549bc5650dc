/**
 * What cannot be read from the fleet any more and yet must be told: events, steps of commands, and devices that were
 * forgotten. Owns the lists, shared by all viewers, so that a slow one costs nothing here.
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
import { anyCovers, customerOf, type Subscription } from './subscription.ts';

/** What is kept at most: of one customer, and eight times as much of all. */
interface HistoryLimits {
  readonly items: number;
  readonly characters: number;
}

const OF_ALL = 8;

/** Of one customer. */
interface Kept {
  readonly items: Happening[];
  characters: number;
  /** The newest revision that fell out. */
  droppedTo: number;
}

const NOTHING: Kept = { items: [], characters: 0, droppedTo: 0 };

/**
 * The last few things that happened, each customer's apart: what one of them has too much of pushes out nothing of
 * another's. `customer` is `*` for those of all.
 */
export class Recent {
  private readonly limits: HistoryLimits;
  private readonly byCustomer = new Map<string, Kept>();
  private items = 0;
  private characters = 0;
  /** The newest revision that was added; 0: none. */
  newest = 0;

  constructor(limits: HistoryLimits) {
    this.limits = limits;
  }

  /** Revisions rise from call to call. The newest item of a customer is kept whatever its size. */
  add(item: Happening): void {
    const { items, characters } = this.limits;
    const kept = this.byCustomer.get(item.customer) ?? { items: [], characters: 0, droppedTo: 0 };
    this.byCustomer.set(item.customer, kept);
    this.put(kept, item);
    while (kept.items.length > 1 && (kept.items.length > items || kept.characters > characters))
      this.drop(kept);
    while (this.items > OF_ALL * items || this.characters > OF_ALL * characters) this.drop(this.largest());
  }

  /** Whether nothing of the customer's after `rev` has fallen out. */
  holdsAllAfter(rev: number, customer: string): boolean {
    return this.listsOf(customer).every(({ droppedTo }) => rev >= droppedTo);
  }

  /** What is held of after `rev`, oldest first. */
  after(rev: number, customer: string): readonly Happening[] {
    const lists = this.listsOf(customer).map(({ items }) => after(items, rev));
    const [first = [], ...more] = lists.filter(({ length }) => length > 0);
    return more.length === 0 ? first : [first, ...more].flat().sort((a, b) => a.rev - b.rev);
  }

  private listsOf(customer: string): readonly Kept[] {
    return customer === '*' ? [...this.byCustomer.values()] : [this.byCustomer.get(customer) ?? NOTHING];
  }

  private largest(): Kept {
    let largest = NOTHING;
    for (const kept of this.byCustomer.values()) if (kept.characters > largest.characters) largest = kept;
    return largest;
  }

  private put(kept: Kept, item: Happening): void {
    kept.items.push(item);
    kept.characters += item.characters;
    this.items += 1;
    this.characters += item.characters;
    this.newest = item.rev;
  }

  private drop(kept: Kept): void {
    const dropped = kept.items.shift();
    if (!dropped) return;
    kept.characters -= dropped.characters;
    kept.droppedTo = dropped.rev;
    this.items -= 1;
    this.characters -= dropped.characters;
  }
}

function after(items: readonly Happening[], rev: number): readonly Happening[] {
  let from = items.length;
  while (from > 0 && (items[from - 1] as Happening).rev > rev) from -= 1;
  return items.slice(from);
}

export interface HappeningPage {
  readonly messages: readonly Buffer[];
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
  if (subscriptions.length === 0) return { messages: [], toldTo: upTo };
  const customer = customerOf(subscriptions);
  const messages: Buffer[] = [];
  if (!recent.holdsAllAfter(since, customer)) messages.push(errorMessage(revisions.next(), missed));
  const page = new Page(pageCharacters);
  let toldTo = upTo;
  for (const { rev, customer: of, device, fragment } of recent.after(since, customer)) {
    if (!anyCovers(subscriptions, of, device)) continue;
    page.add(fragment);
    if (!page.full) continue;
    toldTo = rev;
    break;
  }
  if (!page.empty) messages.push(page.take(`"type":"${type}","rev":${revisions.next()}`, list));
  return { messages, toldTo };
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
  readonly recent: Recent;
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
  readonly forgotten = new Recent({ items: 1024, characters: 262_144 });

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
