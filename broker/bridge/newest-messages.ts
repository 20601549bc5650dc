/**
 * Routes of which only the newest message of a topic is wanted: what waits here while the peer lags behind is replaced by
 * what comes after it. Owns the waiting messages, oldest record first, bounded in bytes.
 */
import type { LogMessage, MessageSource } from './thread/log-messages.ts';

export class NewestMessages implements MessageSource {
  private readonly source: MessageSource;
  private readonly maxBytes: number;
  private readonly replaced: () => void;
  /** By topic; messages that are not to be replaced by a running number. */
  private readonly waiting = new Map<string | number, LogMessage>();
  /** One for all takes: beginning anew would walk over everything that was taken. */
  private keys = this.waiting.keys();
  private bytes = 0;
  private count = 0;

  /** `replaced` is called for each message that gives way to a newer one. */
  constructor(parts: { source: MessageSource; maxBytes: number; replaced: () => void }) {
    this.source = parts.source;
    this.maxBytes = parts.maxBytes;
    this.replaced = parts.replaced;
  }

  /** The record of the oldest that waits; null: none does. */
  get position(): number | null {
    for (const { position } of this.waiting.values()) return position;
    return null;
  }

  /** Takes in what the source has, as far as there is room. */
  fill(): void {
    while (this.bytes < this.maxBytes) {
      const message = this.source.next();
      if (!message) return;
      this.put(message);
    }
  }

  next(): LogMessage | null {
    this.fill();
    let key = this.keys.next();
    if (key.done) {
      this.keys = this.waiting.keys();
      key = this.keys.next();
    }
    return key.done ? null : this.remove(key.value);
  }

  private put(message: LogMessage): void {
    this.count += 1;
    const key = message.mode === 'newest' ? message.topic : this.count;
    // Put in anew instead of in place: the order stays that of the records.
    if (this.remove(key)) this.replaced();
    this.waiting.set(key, message);
    this.bytes += bytesOf(message);
  }

  private remove(key: string | number): LogMessage | null {
    const message = this.waiting.get(key);
    if (!message) return null;
    this.waiting.delete(key);
    this.bytes -= bytesOf(message);
    return message;
  }
}

function bytesOf({ topic, payload }: LogMessage): number {
  return topic.length + payload.length;
}
