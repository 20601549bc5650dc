/**
 * The devices of one customer, as far as reading them goes. Owns who of them waits for a turn, and who is not read because too
 * much of this customer's waits already. Quiet devices and those that flood are served in turns of one slice each.
 *
 * A queue whose ends cost the same at any length: what left stays in the array until half of it is gone.
 */
import type { Intake, IntakeHolder } from './intake.ts';

export class Fifo<Item> {
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
 * Unfinished messages that may be held at once, of up to 64 KiB each. As with bytes that wait, a customer has no more than are left, and
 * whoever begins one too many is sent away.
 */
export const UNFINISHED_MESSAGES = 4096;

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

export class ReadShare implements IntakeHolder {
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
