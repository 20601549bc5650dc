/**
 * Runs the operators' channel (docs/live.md) and knows no socket. Four times a second it tells every viewer what
 * changed, merged per device; once a second its stats. Owns the viewers, the timers, and what waits for the next tick:
 * of commands (most go from queued to done within one) and of desired and reported state only the newest form, encoded
 * once for all.
 */
import type { Stats } from '../../schemas/api.ts';
import { CLOSE_CODES, type CloseCode } from '../../schemas/errors.ts';
import type { Caller } from '../access/caller.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { Lateness } from '../base/lateness.ts';
import type { Logger } from '../base/logger.ts';
import type { Command } from '../hub/commands/command.ts';
import type { CommandService } from '../hub/commands/commands.ts';
import type { Counters } from '../hub/counters.ts';
import type { DesiredStates } from '../hub/desired/desired-states.ts';
import type { EventFeed } from '../hub/fleet/events.ts';
import type { Changes, Fleet } from '../hub/fleet/fleet.ts';
import type { Revisions } from '../hub/fleet/revisions.ts';
import { splitName } from '../hub/fleet/topics.ts';
import { statsFor } from '../hub/stats.ts';
import { documentsFragment, statsMessage, tooLargeFragment } from './encode.ts';
import { LiveHistory } from './history.ts';
import { Tick } from './tick.ts';
import type { ViewerConnection, ViewerTransport } from './transport.ts';
import { Viewer, type ViewerParts } from './viewer.ts';

/** More commands than these are not held back until the tick, which bounds what is kept here. */
const MOST = 1024;

interface CommandUpdatesParts {
  readonly commands: Pick<CommandService, 'onStep' | 'waitingFor'>;
  readonly history: LiveHistory;
  readonly revisions: Revisions;
  /** Whether anybody could be told. */
  readonly wanted: () => boolean;
}

class CommandUpdates {
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

interface DesiredUpdatesParts {
  readonly desired: Pick<DesiredStates, 'onChange' | 'view'>;
  readonly fleet: Pick<Fleet, 'find' | 'revisions'>;
  readonly history: LiveHistory;
  /** Whether anybody could be told. */
  readonly wanted: () => boolean;
}

class DesiredUpdates {
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
      const { customer, device: id } = splitName(name);
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

/** Milliseconds between updates, between stats, and between the messages of viewers that catch up. */
const TICK = 250;
const STATS = 1000;
const PUMP = 20;
/** Bytes encoded in one turn for viewers that catch up: a few milliseconds, so that many snapshots hold nobody up. */
const PUMP_BYTES = 524_288;
/**
 * The same for what is told at once to viewers that have just asked, between two pumps; each message counts for some.
 */
const FIRST_BYTES = 131_072;
const MESSAGE_BYTES = 1024;
/** Of a viewer that asks faster than it is answered. */
const MESSAGES_A_PUMP = 8;
/** Milliseconds that telling viewers may take at a time; the others wait for the next pump. */
const TICK_TIME = 10;
const PUMP_TIME = 5;
/** About the size of a message; with the longest value (P-2.2) in the worst encoding it stays under 600 KiB. */
const PAGE_CHARACTERS = 32_768;

export interface LiveChannelParts {
  readonly fleet: Fleet;
  readonly events: EventFeed;
  readonly desired: DesiredUpdatesParts['desired'];
  readonly commands: Pick<CommandService, 'onStep' | 'waitingFor'>;
  /** All of it; viewers get what they may see. */
  readonly stats: () => Stats;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: { readonly viewerBytes: number };
}

export class LiveChannel {
  private readonly parts: LiveChannelParts;
  private readonly history = new LiveHistory();
  private readonly updates: readonly (CommandUpdates | DesiredUpdates)[];
  private readonly viewerParts: ViewerParts;
  private readonly viewers = new Set<Viewer>();
  private changes: Changes | null = null;
  private lastTick = 0;
  private pumpTimer: Timer | null = null;
  /** Who is first in the next pump, so that all get their share. */
  private turn = 0;
  private firstBytes = FIRST_BYTES;
  private undo: (() => void)[] = [];

  constructor(parts: LiveChannelParts) {
    this.parts = parts;
    const { fleet, commands, desired, counters, clock, limits } = parts;
    const { history } = this;
    const { revisions } = fleet;
    const wanted = () => this.size > 0;
    this.updates = [
      new CommandUpdates({ commands, history, revisions, wanted }),
      new DesiredUpdates({ desired, fleet, history, wanted }),
    ];
    const { viewerBytes } = limits;
    const pageCharacters = Math.min(PAGE_CHARACTERS, Math.floor(viewerBytes / 16));
    // A quarter may wait already.
    const tickBytes = Math.floor(viewerBytes / 2);
    this.viewerParts = {
      fleet,
      history,
      counters,
      clock,
      viewerBytes,
      tickBytes,
      pageCharacters,
    };
  }

  /** Viewers now. */
  get size(): number {
    return this.viewers.size;
  }

  start(): void {
    const { fleet, events, clock } = this.parts;
    const changes = fleet.trackChanges();
    const lateness = new Lateness(TICK, clock.monotonic());
    const tick = clock.every(TICK, () => {
      const late = lateness.measure(clock.monotonic());
      if (late > 0) for (const viewer of this.viewers) viewer.excuse(late);
      this.tick();
    });
    const stats = clock.every(STATS, () => this.sendStats());
    this.changes = changes;
    for (const updates of this.updates) updates.start();
    this.lastTick = fleet.revisions.current;
    this.undo = [
      () => fleet.untrackChanges(changes),
      () => tick.cancel(),
      () => stats.cancel(),
      ...this.updates.map((updates) => () => updates.stop()),
      events.subscribe((device, event) => this.history.addEvent(device, event)),
      fleet.onForget((customer, device, rev) => this.history.addForgotten(customer, device, rev)),
    ];
  }

  /** Ends every viewer with 1001. Idempotent. */
  stop(): void {
    for (const undo of this.undo.splice(0)) undo();
    this.pumpTimer?.cancel();
    this.pumpTimer = null;
    this.changes = null;
    for (const viewer of this.viewers) this.end(viewer, 1001);
  }

  /** A viewer has connected; the caller has been authenticated and may read. */
  open(transport: ViewerTransport, caller: Caller): ViewerConnection {
    const viewer = new Viewer(this.viewerParts, transport, caller, this.lastTick);
    this.viewers.add(viewer);
    this.parts.counters.viewersOpened += 1;
    return {
      receive: (text) => this.receive(viewer, text),
      end: (code, reason) => this.end(viewer, code, reason),
      closed: () => void this.viewers.delete(viewer),
    };
  }

  /** The key was revoked or has expired: exactly its viewers end, with 4003. */
  endKey(keyId: string): void {
    for (const viewer of this.viewers) {
      if (viewer.caller.keyId === keyId) this.end(viewer, 4003);
    }
  }

  private receive(viewer: Viewer, text: string): void {
    if (!this.viewers.has(viewer)) return;
    viewer.receive(text);
    // The first message of a snapshot goes at once, unless many ask, and the rest as the transport takes it.
    if (this.firstBytes > 0) {
      viewer.read(1);
      this.firstBytes -= MESSAGE_BYTES + viewer.pump(1, this.parts.fleet.revisions.current);
    }
    this.pumpSoon();
  }

  private tick(): void {
    const { revisions } = this.parts.fleet;
    for (const updates of this.updates) updates.flush();
    const rev = revisions.next();
    const tick = new Tick(this.viewerParts, this.changes?.drain() ?? [], { since: this.lastTick, rev });
    this.lastTick = rev;
    const until = this.parts.clock.monotonic() + TICK_TIME;
    for (const viewer of inTurns([...this.viewers], this.turn)) {
      if (viewer.stuck) this.closeStuck(viewer);
      else if (this.parts.clock.monotonic() < until) viewer.tick(tick);
      else viewer.postpone(tick);
    }
    this.pump(rev);
  }

  /** Viewers that are behind get a share each, up to revision `upTo`, the newest one. */
  private pump(upTo: number): void {
    const { clock } = this.parts;
    const behind = [...this.viewers].filter((viewer) => viewer.behind);
    const until = clock.monotonic() + PUMP_TIME;
    this.turn += 1;
    this.firstBytes = FIRST_BYTES;
    let budget = PUMP_BYTES;
    for (const viewer of inTurns(behind, this.turn)) {
      viewer.read(MESSAGES_A_PUMP);
      budget -= viewer.pump(budget, upTo);
      if (budget <= 0 || clock.monotonic() >= until) break;
    }
    this.pumpSoon();
  }

  private pumpSoon(): void {
    if (this.pumpTimer || ![...this.viewers].some((viewer) => viewer.behind)) return;
    this.pumpTimer = this.parts.clock.after(PUMP, () => {
      this.pumpTimer = null;
      this.pump(this.parts.fleet.revisions.current);
    });
  }

  /** One message a customer, for what its viewers may know is the same. */
  private sendStats(): void {
    if (this.viewers.size === 0) return;
    const { fleet, stats } = this.parts;
    const all = stats();
    const messages = new Map<string, Buffer>();
    for (const viewer of this.viewers) {
      const { caller } = viewer;
      const known = messages.get(caller.customer);
      const message = known ?? statsMessage(fleet.revisions.next(), statsFor(all, caller, fleet));
      messages.set(caller.customer, message);
      viewer.offer(message);
    }
  }

  private closeStuck(viewer: Viewer): void {
    const { counters, logger } = this.parts;
    counters.viewersClosedSlow += 1;
    logger.info({ keyId: viewer.caller.keyId }, 'A viewer did not read for 10 s and was closed.');
    this.end(viewer, 1013);
  }

  private end(viewer: Viewer, code: CloseCode, reason = REASONS[code] ?? CLOSE_CODES[code].message): void {
    this.viewers.delete(viewer);
    viewer.close(code, reason);
  }
}

/** Where the table speaks of devices, or of more than one cause. */
const REASONS: Partial<Readonly<Record<CloseCode, string>>> = {
  1013: 'The connection was not read for 10 s; connect again for a fresh snapshot.',
  4003: 'The key was revoked or has expired.',
};

/**
 * One of each customer in turn, `turn` saying with whom to begin: nobody waits for all the viewers of another customer.
 */
function inTurns(viewers: readonly Viewer[], turn: number): Viewer[] {
  const byCustomer = new Map<string, Viewer[]>();
  for (const viewer of rotated(viewers, turn)) {
    const { customer } = viewer.caller;
    const ofCustomer = byCustomer.get(customer);
    if (ofCustomer) ofCustomer.push(viewer);
    else byCustomer.set(customer, [viewer]);
  }
  const lists = rotated([...byCustomer.values()], turn);
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  const order: Viewer[] = [];
  for (let index = 0; index < longest; index += 1) {
    for (const list of lists) {
      const viewer = list[index];
      if (viewer) order.push(viewer);
    }
  }
  return order;
}

function rotated<Item>(items: readonly Item[], turn: number): Item[] {
  const first = items.length === 0 ? 0 : turn % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
