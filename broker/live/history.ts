/**
 * Keeps what cannot be read from the fleet any more and yet must be told: events, steps of commands, changes of desired
 * and reported state, and devices that were forgotten. Owns the lists, which all viewers share, so that a slow one
 * costs nothing here; and makes messages of them, for the topics of one viewer.
 */
import type { LiveErrorCode } from '../../schemas/live.ts';
import type { Command } from '../hub/commands/command.ts';
import type { Device } from '../hub/fleet/device.ts';
import type { DeviceEvent } from '../hub/fleet/events.ts';
import type { Revisions } from '../hub/fleet/revisions.ts';
import { commandFragment, errorMessage, eventFragment, forgottenFragment, MessagePage } from './encode.ts';
import { anyCovers, customerOf, type Subscription } from './subscription.ts';

/** What is kept at most: of one customer, and eight times as much of all. */
interface HistoryLimits {
  readonly items: number;
  readonly characters: number;
}

const OF_ALL = 8;

/** Of one customer. */
interface CustomerItems {
  readonly items: FeedItem[];
  characters: number;
  /** The newest revision that fell out. */
  droppedTo: number;
}

const NOTHING: CustomerItems = { items: [], characters: 0, droppedTo: 0 };

/**
 * The last few things that happened, each customer's apart: what one of them has too much of pushes out nothing of
 * another's. `customer` is `*` for those of all.
 */
class Recent {
  private readonly limits: HistoryLimits;
  private readonly byCustomer = new Map<string, CustomerItems>();
  /** What `replace` added and is held, by device. */
  private readonly replaceable = new Map<string, FeedItem>();
  private items = 0;
  private characters = 0;
  /** The newest revision that was added; 0: none. */
  newest = 0;

  constructor(limits: HistoryLimits) {
    this.limits = limits;
  }

  /** Adds what is the newest of its device, whose older one is taken out: it need not be told to anybody any more. */
  replace(item: FeedItem): void {
    const name = nameOf(item);
    const older = this.replaceable.get(name);
    const kept = this.byCustomer.get(item.customer);
    if (older && kept) {
      kept.items.splice(indexAfter(kept.items, older.rev) - 1, 1);
      this.forgetSize(kept, older);
    }
    this.replaceable.set(name, item);
    this.add(item);
  }

  /** Revisions rise from call to call. The newest item of a customer is kept whatever its size. */
  add(item: FeedItem): void {
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
  after(rev: number, customer: string): readonly FeedItem[] {
    const lists = this.listsOf(customer).map(({ items }) => items.slice(indexAfter(items, rev)));
    const [first = [], ...more] = lists.filter(({ length }) => length > 0);
    return more.length === 0 ? first : [first, ...more].flat().sort((a, b) => a.rev - b.rev);
  }

  private listsOf(customer: string): readonly CustomerItems[] {
    return customer === '*' ? [...this.byCustomer.values()] : [this.byCustomer.get(customer) ?? NOTHING];
  }

  private largest(): CustomerItems {
    let largest = NOTHING;
    for (const kept of this.byCustomer.values()) if (kept.characters > largest.characters) largest = kept;
    return largest;
  }

  private put(kept: CustomerItems, item: FeedItem): void {
    kept.items.push(item);
    kept.characters += item.characters;
    this.items += 1;
    this.characters += item.characters;
    this.newest = item.rev;
  }

  private drop(kept: CustomerItems): void {
    const dropped = kept.items.shift();
    if (!dropped) return;
    kept.droppedTo = dropped.rev;
    this.forgetSize(kept, dropped);
    if (this.replaceable.get(nameOf(dropped)) === dropped) this.replaceable.delete(nameOf(dropped));
  }

  private forgetSize(kept: CustomerItems, { characters }: FeedItem): void {
    kept.characters -= characters;
    this.items -= 1;
    this.characters -= characters;
  }
}

function nameOf({ customer, device }: FeedItem): string {
  return `${customer}/${device}`;
}

/** Where the items of after `rev` begin; they are in the order of their revisions. */
function indexAfter(items: readonly FeedItem[], rev: number): number {
  let from = 0;
  let to = items.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((items[middle] as FeedItem).rev > rev) to = middle;
    else from = middle + 1;
  }
  return from;
}

export interface FeedPage {
  readonly messages: readonly Buffer[];
  /** Everything up to this revision is told then. */
  readonly toldTo: number;
}

/** A page of what came after `since`. Told up to `upTo` when nothing is left; said first if some is lost. */
export function feedPage(
  { recent, type, list, missed }: Feed,
  revisions: Revisions,
  subscriptions: readonly Subscription[],
  range: { readonly since: number; readonly upTo: number; readonly pageCharacters: number },
): FeedPage {
  const { since, upTo, pageCharacters } = range;
  if (subscriptions.length === 0) return { messages: [], toldTo: upTo };
  const customer = customerOf(subscriptions);
  const messages: Buffer[] = [];
  if (!recent.holdsAllAfter(since, customer)) messages.push(errorMessage(revisions.next(), missed));
  const page = new MessagePage(pageCharacters);
  let toldTo = upTo;
  for (const { rev, customer: of, device, fragment } of recent.after(since, customer)) {
    if (!anyCovers(subscriptions, of, device)) continue;
    page.add(fragment);
    if (!page.full) continue;
    toldTo = rev;
    break;
  }
  if (!page.empty) messages.push(page.finish(`"type":"${type}","rev":${revisions.next()}`, list));
  return { messages, toldTo };
}

/** Something that happened to a device, ready to be told. */
export interface FeedItem {
  readonly rev: number;
  readonly customer: string;
  readonly device: string;
  readonly fragment: string;
  readonly characters: number;
}

/** Live events that viewers are told one by one, and how. */
export interface Feed {
  readonly recent: Recent;
  readonly type: 'event' | 'command' | 'desired';
  readonly list: 'events' | 'commands' | 'devices';
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
  /** Of each device the newest only, so a fleet may change that is larger than this. */
  readonly desired: Feed = {
    recent: new Recent({ items: 4096, characters: 2_097_152 }),
    type: 'desired',
    list: 'devices',
    missed: 'desired-missed',
  };
  readonly feeds: readonly Feed[] = [this.events, this.commands, this.desired];
  /** A viewer that missed some gets a fresh snapshot. */
  readonly forgotten = new Recent({ items: 1024, characters: 262_144 });

  addEvent(device: Device, event: DeviceEvent): void {
    const { customer, id } = device;
    this.events.recent.add(feedItem(customer, id, event.rev, eventFragment(device, event)));
  }

  addCommand(command: Command, waitingFor: string | null, rev: number): void {
    const { customer, device } = command;
    this.commands.recent.add(feedItem(customer, device, rev, commandFragment(command, waitingFor)));
  }

  addDesired({ customer, id }: Device, fragment: string, rev: number): void {
    this.desired.recent.replace(feedItem(customer, id, rev, fragment));
  }

  addForgotten(customer: string, device: string, rev: number): void {
    this.forgotten.add(feedItem(customer, device, rev, forgottenFragment(`${customer}/${device}`, rev)));
  }
}

function feedItem(customer: string, device: string, rev: number, fragment: string): FeedItem {
  return { rev, customer, device, fragment, characters: fragment.length };
}
