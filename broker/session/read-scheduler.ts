/**
 * Shares the event loop among all devices' sockets: each turn has a budget of time and cost (P-2.2), and what is beyond
 * it waits as raw bytes, bounded over all sockets, or in the kernel. While the loop polls, what arrives is decoded at
 * once as far as the first budget goes; then, in the check phase, customers are served in a round, each by its cost,
 * until the second is spent. A customer's quiet and busy devices take turns of one slice each; a customer that has too
 * much waiting is not read. Owns the turn, the round and each customer's share. Figures: docs/decisions/0003-turns.md.
 */
import type { Clock } from '../base/clock.ts';
import type { Counters } from '../hub/counters.ts';
import type { Ingest } from '../hub/telemetry/ingest.ts';
import { Intake, type IntakeHolder, type IntakeParts } from './intake.ts';

class Fifo<Item> {
  private items: Item[] = [];
  private next = 0;

  get size(): number {
    return this.items.length - this.next;
  }

  push(item: Item): void {
    this.items.push(item);
  }

  shift(): Item | undefined {
    if (this.next === this.items.length) return undefined;
    const item = this.items[this.next];
    this.next += 1;
    if (this.next === this.items.length) this.items.length = this.next = 0;
    else if (this.next >= 64 && this.next * 2 >= this.items.length) this.compact();
    return item;
  }

  private compact(): void {
    this.items = this.items.slice(this.next);
    this.next = 0;
  }
}

/**
 * Unfinished messages that may be held at once, of up to 64 KiB each. As with bytes that wait, a customer has no more
 * than are left, and whoever begins one too many is sent away.
 */
const UNFINISHED_MESSAGES = 4096;

/** Who serves the customers. */
export interface ShareHost {
  /** Raw bytes that wait, of all customers. */
  held: number;
  /** Devices that hold a large part of an unfinished message, of all customers. */
  unfinishedMessages: number;
  arrived(share: ReadShare, intake: Intake, isFirst: boolean): void;
  ready(share: ReadShare, intake: Intake): void;
  /** The last device of this customer has gone. */
  emptied(share: ReadShare): void;
  /** Monotonic ms. */
  time(): number;
}

class ReadShare implements IntakeHolder {
  readonly customer: string;
  private readonly host: ShareHost;
  private readonly members = new Set<Intake>();
  /** Bytes that wait, of all its devices. */
  held = 0;
  private unfinishedMessages = 0;
  /** What it may still cost in this round; below zero: what it has had in advance. */
  credit = 0;
  /** Whether it stands in the scheduler's round. */
  place: 'none' | 'round' = 'none';
  private readonly quiet = new Fifo<Intake>();
  private readonly busy = new Fifo<Intake>();
  private readonly parked = new Fifo<Intake>();
  private nextKind: 'quiet' | 'busy' = 'quiet';

  constructor(host: ShareHost, customer: string) {
    this.host = host;
    this.customer = customer;
  }

  add(intake: Intake): void {
    this.members.add(intake);
    if (this.isCongested) this.park(intake);
  }

  arrived(intake: Intake, bytes: number, isFirst: boolean): void {
    this.held += bytes;
    this.host.held += bytes;
    this.host.arrived(this, intake, isFirst);
  }

  gone(bytes: number): void {
    this.held -= bytes;
    this.host.held -= bytes;
  }

  unfinished(change: 1 | -1): boolean {
    this.unfinishedMessages += change;
    this.host.unfinishedMessages += change;
    return change < 0 || this.unfinishedMessages <= UNFINISHED_MESSAGES - this.host.unfinishedMessages;
  }

  ready(intake: Intake): void {
    this.host.ready(this, intake);
  }

  time(): number {
    return this.host.time();
  }

  leave(intake: Intake): void {
    this.members.delete(intake);
    if (this.members.size === 0) this.host.emptied(this);
  }

  get hasQueued(): boolean {
    return this.quiet.size + this.busy.size > 0;
  }

  /** Too much waited a while ago, and not everybody is read again since. */
  get isCongested(): boolean {
    return this.parked.size > 0;
  }

  enqueue(intake: Intake, kind: 'quiet' | 'busy'): void {
    intake.hold('queued');
    this[kind].push(intake);
  }

  /** The next device that waits for a turn. */
  dequeue(): Intake | undefined {
    const first = this.nextKind;
    const second = first === 'quiet' ? 'busy' : 'quiet';
    this.nextKind = second;
    return this.shift(first) ?? this.shift(second);
  }

  /** Reads none of its sockets until there is room again. */
  parkAll(): void {
    for (const intake of this.members) if (!intake.isHeld) this.park(intake);
  }

  /** Nothing of this device waits. */
  readOrPark(intake: Intake): void {
    if (this.isCongested) this.park(intake);
    else intake.read();
  }

  private park(intake: Intake): void {
    intake.hold('parked');
    this.parked.push(intake);
  }

  /** Reads some sockets again, those first that have waited longest. */
  unpark(count: number): void {
    for (let left = count; left > 0; ) {
      const intake = this.parked.shift();
      if (!intake) return;
      if (!intake.isParked) continue;
      intake.read();
      left -= 1;
    }
  }

  /** Passes over those that have closed meanwhile. */
  private shift(kind: 'quiet' | 'busy'): Intake | undefined {
    let intake = this[kind].shift();
    while (intake && !intake.isQueued) intake = this[kind].shift();
    return intake;
  }
}

/** While polling: milliseconds and cost. */
const POLL = { time: 3, cost: 512 * 1024 };
/** In the check phase. */
const SERVE = { time: 6, cost: 2 * 1024 * 1024 };
/** What a customer's place in the round is worth. */
const QUANTUM = 16 * 1024;
/**
 * Raw bytes that wait in all. A customer is read no more when its own are as many as what is left, so that there is
 * always room for one that comes later.
 */
const HELD_BYTES = 16 * 1024 * 1024;
/** Sockets that are read again in one turn, after too much had waited. */
const UNPARKED_A_TURN = 128;

export interface ReadSchedulerParts {
  readonly ingest: Pick<Ingest, 'full' | 'whenRoom'>;
  readonly counters: Counters;
  readonly clock: Clock;
}

export class ReadScheduler implements ShareHost {
  private readonly parts: ReadSchedulerParts;
  private readonly shares = new Map<string, ReadShare>();
  private readonly round = new Fifo<ReadShare>();
  private readonly congested = new Set<ReadShare>();
  /**
   * `idle`: nothing waits. `turn`: the check phase will serve. `blocked`: nothing is decoded until there is room in the
   * batch.
   */
  private state: 'idle' | 'turn' | 'blocked' = 'idle';
  /** Of this turn's polling. */
  private pollCost = 0;
  private pollUntil = 0;
  private now = 0;
  /** Raw bytes that wait, of all. */
  held = 0;
  unfinishedMessages = 0;

  constructor(parts: ReadSchedulerParts) {
    this.parts = parts;
  }

  /** A new connection; left by `Intake.close`. */
  join(customer: string, parts: Omit<IntakeParts, 'now'>): Intake {
    const share = this.shares.get(customer) ?? new ReadShare(this, customer);
    this.shares.set(customer, share);
    const intake = new Intake(share, { ...parts, now: this.parts.clock.monotonic() });
    share.add(intake);
    return intake;
  }

  emptied(share: ReadShare): void {
    this.shares.delete(share.customer);
  }

  time(): number {
    return this.parts.clock.monotonic();
  }

  arrived(share: ReadShare, intake: Intake, isFirst: boolean): void {
    if (isFirst) this.admit(share, intake);
    if (share.held >= HELD_BYTES - this.held) this.congest(share);
  }

  ready(share: ReadShare, intake: Intake): void {
    if (intake.bytes > 0) this.enqueue(share, intake);
    else share.readOrPark(intake);
  }

  /** Decodes at once what this turn has room for, and queues the rest. */
  private admit(share: ReadShare, intake: Intake): void {
    if (this.state === 'idle') this.begin(this.parts.clock.monotonic());
    if (this.state === 'turn' && this.pollCost > 0 && this.now < this.pollUntil && !share.hasQueued) {
      if (this.parts.ingest.full) this.block();
      else this.pollCost -= this.serveOne(share, intake);
      if (intake.isHeld || intake.bytes === 0) return;
    }
    this.parts.counters.pauses.turn += 1;
    this.enqueue(share, intake);
  }

  private enqueue(share: ReadShare, intake: Intake): void {
    share.enqueue(intake, intake.isQuiet(this.now) ? 'quiet' : 'busy');
    if (share.place === 'none') this.round.push(share);
    share.place = 'round';
    if (this.state === 'idle') this.begin(this.parts.clock.monotonic());
  }

  private begin(now: number): void {
    this.state = 'turn';
    this.now = now;
    this.pollCost = POLL.cost;
    this.pollUntil = now + POLL.time;
    this.parts.clock.soon(() => this.serve());
  }

  /** The check phase. */
  private serve(): void {
    const now = this.parts.clock.monotonic();
    this.now = now;
    this.serveRound(now + SERVE.time);
    this.unpark();
    if (this.state === 'blocked') return;
    if (this.round.size > 0 || this.congested.size > 0) this.begin(this.now);
    else this.state = 'idle';
  }

  private serveRound(until: number): void {
    let left = SERVE.cost;
    while (left > 0 && this.now < until) {
      const share = this.round.shift();
      if (!share) return;
      left = this.serveShare(share, left, until);
      if (share.hasQueued) this.round.push(share);
      else {
        share.place = 'none';
        share.credit = Math.min(share.credit, 0);
      }
      if (this.state === 'blocked') return;
    }
  }

  /** A customer's place in the round (deficit round robin, by cost); returns what is left of the turn's budget. */
  private serveShare(share: ReadShare, budget: number, until: number): number {
    let left = budget;
    share.credit += QUANTUM;
    while (share.credit > 0 && left > 0 && this.now < until) {
      if (this.parts.ingest.full) {
        this.block();
        return left;
      }
      const intake = share.dequeue();
      if (!intake) return left;
      const cost = this.serveOne(share, intake);
      share.credit -= cost;
      left -= cost;
      if (intake.isQueued) share.enqueue(intake, intake.isQuiet(this.now) ? 'quiet' : 'busy');
    }
    return left;
  }

  /** One slice of one device, and what becomes of it then. It stays `queued` if more waits and it was so. */
  private serveOne(share: ReadShare, intake: Intake): number {
    const cost = intake.feed();
    const now = this.parts.clock.monotonic();
    this.now = now;
    const wait = intake.settle(now);
    if (wait > 0) this.holdForRate(intake, wait);
    else if (intake.bytes === 0) share.readOrPark(intake);
    return cost;
  }

  private holdForRate(intake: Intake, wait: number): void {
    const { clock, counters } = this.parts;
    counters.pauses.rate += 1;
    intake.wait((again) => clock.after(wait, again));
  }

  /** The open batch is full, or nothing can be committed any more. */
  private block(): void {
    const { ingest, counters } = this.parts;
    if (this.state === 'blocked') return;
    this.state = 'blocked';
    counters.pauses.batch += 1;
    ingest.whenRoom(() => {
      if (this.state === 'blocked') this.begin(this.parts.clock.monotonic());
    });
  }

  private congest(share: ReadShare): void {
    share.parkAll();
    this.congested.add(share);
    if (this.state === 'idle') this.begin(this.parts.clock.monotonic());
  }

  private unpark(): void {
    for (const share of this.congested) {
      if (share.held <= (HELD_BYTES - this.held) / 2) share.unpark(UNPARKED_A_TURN);
      if (!share.isCongested) this.congested.delete(share);
    }
  }
}
