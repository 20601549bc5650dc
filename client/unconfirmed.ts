/**
 * Repeats frames that no ack of their own confirms: results of commands, and the reported state. The broker commits frames
 * in the order in which it accepts them, so an ack of telemetry that was first sent after such a frame covers it (P-5.2).
 * Until then the frame is sent again after each reconnect. Owns these frames, bounded in bytes.
 */
import type { Clock } from '../broker/base/clock.ts';
import type { Wire } from './outbox.ts';

export interface UnconfirmedOptions {
  /** The highest seq that may have been sent up to now. */
  readonly position: () => number;
  readonly clock: Clock;
  /** Called with a sentence: there was no more room. */
  readonly onGivenUp: (what: string) => void;
}

export interface Keeping {
  /** Once it was sent: how long it is kept if no telemetry follows; ms. */
  readonly keepFor: number;
  /** It is durable, or old enough. */
  readonly settled: () => void;
}

interface UnconfirmedFrame extends Keeping {
  readonly frame: Uint8Array;
  /** null: it was never sent. `at`: monotonic ms. */
  sent: { readonly at: number; readonly after: number } | null;
}

/** Of frames and their keeping. */
const MOST_BYTES = 1024 * 1024;
const KEEPING = 128;

export class Unconfirmed {
  private readonly options: UnconfirmedOptions;
  private readonly kept = new Map<string, UnconfirmedFrame>();
  private bytes = 0;
  private wire: Wire | null = null;

  constructor(options: UnconfirmedOptions) {
    this.options = options;
  }

  /** Keeps the frame in place of an earlier one of the same name, and sends it if there is a connection. */
  put(name: string, frame: Uint8Array, keeping: Keeping): void {
    this.forget(name);
    const kept: UnconfirmedFrame = { frame, sent: null, ...keeping };
    this.kept.set(name, kept);
    this.bytes += cost(kept);
    this.makeRoom();
    this.write(kept);
  }

  /** Sends a frame that may as well be lost; nothing without a connection. */
  mention(frame: Uint8Array): void {
    this.wire?.send(frame);
  }

  /** The broker will never take this one: it is not sent again. */
  refused(name: string): void {
    this.settle(name);
  }

  /** There is a connection: everything that is kept is sent, the oldest first. To be called before telemetry is sent. */
  live(wire: Wire): void {
    this.wire = wire;
    this.expire();
    for (const kept of this.kept.values()) this.write(kept);
  }

  disconnected(): void {
    this.wire = null;
  }

  /** Telemetry up to `seq`, which was really sent, is durable. */
  acknowledged(seq: number): void {
    for (const [name, { sent }] of this.kept) if (sent && seq > sent.after) this.settle(name);
  }

  private write(kept: UnconfirmedFrame): void {
    if (!this.wire) return;
    kept.sent = { at: kept.sent?.at ?? this.options.clock.monotonic(), after: this.options.position() };
    this.wire.send(kept.frame);
  }

  private expire(): void {
    const now = this.options.clock.monotonic();
    for (const [name, { sent, keepFor }] of this.kept)
      if (sent && now - sent.at >= keepFor) this.settle(name);
  }

  private settle(name: string): void {
    const kept = this.kept.get(name);
    this.forget(name);
    kept?.settled();
  }

  private makeRoom(): void {
    const givenUp: string[] = [];
    for (const name of this.kept.keys()) {
      if (this.bytes <= MOST_BYTES) break;
      this.forget(name);
      givenUp.push(name);
    }
    if (givenUp.length > 0)
      this.options.onGivenUp(`Not known to have arrived, and no room: ${givenUp.join(', ')}.`);
  }

  private forget(name: string): void {
    const kept = this.kept.get(name);
    if (!kept) return;
    this.kept.delete(name);
    this.bytes -= cost(kept);
  }
}

function cost({ frame }: UnconfirmedFrame): number {
  return frame.length + KEEPING;
}
