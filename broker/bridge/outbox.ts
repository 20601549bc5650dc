/**
 * What goes to the bridge's thread besides the log: a bounded number of messages at a time, each with a ticket until the
 * peer has it. Owns the tickets.
 */
import type { OtherMessage } from './messages.ts';

export interface Outgoing extends Omit<OtherMessage, 'ticket'> {
  /** Called once, when the peer has it or has refused it. Not called if the thread ended before. */
  readonly settled?: () => void;
}

/** With the thread at once; a fleet that is asserted again must not fill its memory. */
const TICKETS = 256;

export class Outbox {
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
