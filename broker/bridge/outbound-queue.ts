/**
 * Queues what is published besides telemetry and retained state: results of commands, and discovery. `OutboundQueue` owns
 * what waits, oldest first, bounded in bytes in all and for each customer. `ThreadWindow` bounds how many messages the
 * bridge's thread has at once, retained state included, and owns their tickets until the server has them.
 */
import type { OtherMessage } from './messages.ts';

export interface Outgoing extends Omit<OtherMessage, 'ticket'> {
  /** Called once, when the peer has it or has refused it. Not called if the thread ended before. */
  readonly settled?: () => void;
}

/** With the thread at once; a fleet that is asserted again must not fill its memory. */
const TICKETS = 256;

export class ThreadWindow {
  private readonly send: (messages: readonly OtherMessage[]) => void;
  private readonly open = new Map<number, (() => void) | undefined>();
  private nextTicket = 0;

  constructor(send: (messages: readonly OtherMessage[]) => void) {
    this.send = send;
  }

  /** How many more it takes now. */
  get room(): number {
    return TICKETS - this.open.size;
  }

  publish(messages: readonly Outgoing[]): void {
    if (messages.length > 0) this.send(messages.map((message) => this.withTicket(message)));
  }

  settled(tickets: readonly number[]): void {
    for (const ticket of tickets) {
      const settled = this.open.get(ticket);
      this.open.delete(ticket);
      settled?.();
    }
  }

  /** The thread that had them has ended. */
  reset(): void {
    this.open.clear();
  }

  private withTicket({ settled, ...message }: Outgoing): OtherMessage {
    const ticket = this.nextTicket;
    this.nextTicket += 1;
    this.open.set(ticket, settled);
    return { ...message, ticket };
  }
}

export interface BridgePublication {
  readonly topic: string;
  readonly payload: string;
  /** Default: 1. */
  readonly qos?: 0 | 1;
  /** Default: false. */
  readonly retain?: boolean;
  readonly correlationData?: Uint8Array | null;
  /** In whose share it waits; null, the default: in nobody's, it is the bridge's own. */
  readonly customer?: string | null;
}

const WAITING_BYTES = 4 * 1024 * 1024;
/** Of these, what one customer's results may take. */
const CUSTOMER_BYTES = WAITING_BYTES / 4;
/** There is always room for so much of a customer's, whatever others have; customers are made by admins only. */
const GUARANTEED_BYTES = 64 * 1024;
/** What a publication costs beside its bytes. */
const OVERHEAD = 128;

export class OutboundQueue {
  private readonly window: ThreadWindow;
  /** What the thread has, and what waits; each oldest first. */
  private readonly given = new Set<Required<BridgePublication>>();
  private readonly waiting = new Set<Required<BridgePublication>>();
  private waitingBytes = 0;
  private readonly bytesOfCustomers = new Map<string, number>();
  private state: 'away' | 'connected' = 'away';
  /** Publications for which there was no room. */
  dropped = 0;

  constructor(window: ThreadWindow) {
    this.window = window;
  }

  /** Waits for the server if it is away, in order; false: too much waits already, and this one is dropped and counted. */
  publish(given: BridgePublication): boolean {
    const publication = { qos: 1 as const, retain: false, correlationData: null, customer: null, ...given };
    if (!this.hasRoom(publication)) {
      this.dropped += 1;
      return false;
    }
    this.waiting.add(publication);
    this.count(publication, 1);
    this.pump();
    return true;
  }

  /** The server is there. */
  opened(): void {
    this.state = 'connected';
    this.pump();
  }

  lost(): void {
    this.state = 'away';
  }

  /** The thread has ended: what it had is to be published again, before what waits. */
  reset(): void {
    const later = [...this.waiting];
    this.waiting.clear();
    for (const publication of [...this.given, ...later]) this.waiting.add(publication);
    this.given.clear();
  }

  /** Gives the thread what waits, as far as there is room. */
  pump(): void {
    if (this.state === 'away') return;
    for (const publication of this.waiting) {
      if (this.window.room <= 0) return;
      this.waiting.delete(publication);
      this.given.add(publication);
      this.window.publish([{ ...publication, settled: () => this.settled(publication) }]);
    }
  }

  private settled(publication: Required<BridgePublication>): void {
    this.given.delete(publication);
    this.count(publication, -1);
    this.pump();
  }

  private hasRoom(publication: Required<BridgePublication>): boolean {
    const { customer } = publication;
    const bytes = bytesOf(publication);
    if (customer === null) return this.waitingBytes + bytes <= WAITING_BYTES;
    const own = (this.bytesOfCustomers.get(customer) ?? 0) + bytes;
    if (own > CUSTOMER_BYTES) return false;
    return own <= GUARANTEED_BYTES || this.waitingBytes + bytes <= WAITING_BYTES;
  }

  private count(publication: Required<BridgePublication>, sign: 1 | -1): void {
    const { customer } = publication;
    const change = sign * bytesOf(publication);
    this.waitingBytes += change;
    if (customer === null) return;
    const bytes = (this.bytesOfCustomers.get(customer) ?? 0) + change;
    if (bytes === 0) this.bytesOfCustomers.delete(customer);
    else this.bytesOfCustomers.set(customer, bytes);
  }
}

function bytesOf({ topic, payload, correlationData }: Required<BridgePublication>): number {
  return OVERHEAD + topic.length + payload.length + (correlationData?.length ?? 0);
}
