/**
 * Holds the messages that were published at QoS 1 and are not acknowledged yet. Owns the slots; a slot's number is its
 * packet id. Messages are written in the order in which they were added, also again after a reconnect, so that the order
 * per device stays.
 */
import type { Position } from '../../store/position.ts';
import type { Publication } from '../mqtt/publish-writer.ts';

/** The most that can be in flight; the ids above are left to mqtt.js. */
export const MAX_IN_FLIGHT = 60_000;

/** Where a message comes from, and so what is done when it is acknowledged. */
export interface MessageOrigin {
  /** Of the log record that it comes from; null: from elsewhere. */
  readonly position: Position | null;
  /** Called once, when the peer has it or has refused it. */
  readonly settled?: () => void;
}

export interface Message extends Publication, MessageOrigin {}

interface Slot {
  message: Message | null;
  bytes: number;
  /** When it was written last; monotonic ms. */
  sentAt: number;
  /** How many connections it was written to. */
  deliveries: number;
}

export class Window {
  private readonly slots: Slot[];
  private readonly maxBytes: number;
  /** Running numbers: the oldest that is unacknowledged, the next to write on this connection, the next to give. */
  private oldest = 0;
  private unwritten = 0;
  private next = 0;
  private bytes = 0;

  /** `maxBytes` bounds topics and payloads together, but one message always fits. */
  constructor(size: number, maxBytes: number) {
    this.maxBytes = maxBytes;
    this.slots = Array.from({ length: size }, () => ({ message: null, bytes: 0, sentAt: 0, deliveries: 0 }));
  }

  /** Given and not acknowledged, gaps counted in. */
  get size(): number {
    return this.next - this.oldest;
  }

  /** When the oldest that is on its way was written, monotonic ms; null: none is. */
  get oldestSentAt(): number | null {
    return this.oldest < this.unwritten ? this.slot(this.oldest).sentAt : null;
  }

  /** Of the oldest message of the log in here; null: none. */
  get position(): Position | null {
    for (let number = this.oldest; number < this.next; number += 1) {
      const position = this.slot(number).message?.position;
      if (position !== null && position !== undefined) return position;
    }
    return null;
  }

  hasRoom(limit: number): boolean {
    return this.size < Math.min(limit, this.slots.length) && (this.size === 0 || this.bytes < this.maxBytes);
  }

  add(message: Message): void {
    const slot = this.slot(this.next);
    slot.message = message;
    slot.bytes = message.topic.length + message.payload.length;
    slot.deliveries = 0;
    this.bytes += slot.bytes;
    this.next += 1;
  }

  /** The next to write on this connection with its packet id; null: all are, or `limit` are on their way. */
  write(limit: number, now: number): { message: Message; id: number; deliveries: number } | null {
    while (this.unwritten < this.next && this.unwritten - this.oldest < limit) {
      const number = this.unwritten;
      this.unwritten += 1;
      const slot = this.slot(number);
      if (!slot.message) continue;
      slot.sentAt = now;
      slot.deliveries += 1;
      return { message: slot.message, id: this.id(number), deliveries: slot.deliveries };
    }
    return null;
  }

  /** The message; null: nothing of that id is on its way. */
  acknowledge(id: number): Message | null {
    const slot = this.slots[id - 1];
    const message = slot?.message;
    if (!slot || !message || slot.deliveries === 0) return null;
    slot.message = null;
    this.bytes -= slot.bytes;
    while (this.oldest < this.unwritten && this.slot(this.oldest).message === null) this.oldest += 1;
    return message;
  }

  /** A new connection: everything is to be written again, in order. */
  rewind(): void {
    this.unwritten = this.oldest;
  }

  private slot(number: number): Slot {
    return this.slots[number % this.slots.length] as Slot;
  }

  private id(number: number): number {
    return (number % this.slots.length) + 1;
  }
}
