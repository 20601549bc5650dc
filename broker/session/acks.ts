/**
 * Merges acknowledgements (P-4.2): the first frame that becomes durable starts a wait of at most `within` ms, and one
 * ack covers all that became durable meanwhile. Owns what is durable and not yet told.
 */
import type { Clock, Timer } from '../base/clock.ts';
import { encodeAck } from '../wire/encode.ts';
import type { Transport } from './parts.ts';

/** A device that does not read gets its (cumulative) ack later; nothing piles up for it. */
const BUFFERED_LIMIT = 64 * 1024;

export class Acks {
  private readonly transport: Pick<Transport, 'send' | 'bufferedBytes'>;
  private readonly clock: Clock;
  private readonly sent: () => void;
  private seq = -1;
  private timer: Timer | null = null;
  within: number;

  /** `sent` is called for each ack that goes out. */
  constructor(
    transport: Pick<Transport, 'send' | 'bufferedBytes'>,
    clock: Clock,
    within: number,
    sent: () => void,
  ) {
    this.transport = transport;
    this.clock = clock;
    this.within = within;
    this.sent = sent;
  }

  /** Everything up to `seq` is durable. */
  owe(seq: number): void {
    if (seq > this.seq) this.seq = seq;
    this.timer ??= this.within === 0 ? this.soon() : this.clock.after(this.within, () => this.flush());
  }

  /** Sends what is owed now. */
  flush(): void {
    this.cancel();
    if (this.seq < 0) return;
    if (this.transport.bufferedBytes > BUFFERED_LIMIT) {
      this.timer = this.clock.after(Math.max(this.within, 20), () => this.flush());
      return;
    }
    this.transport.send(encodeAck(this.seq));
    this.seq = -1;
    this.sent();
  }

  /** After the commit's other frames, so that even a device that will not wait gets one ack a commit. */
  private soon(): Timer {
    let state: 'waiting' | 'cancelled' = 'waiting';
    queueMicrotask(() => {
      if (state === 'waiting') this.flush();
    });
    return {
      cancel: () => {
        state = 'cancelled';
      },
    };
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
