/**
 * Whether one device's socket is read (P-7.2). It is not while the device is above its rate, while the open batch is
 * full, or for the rest of a turn in which it had its share; nothing is lost by that, TCP pushes back. Owns that state.
 */
import type { Counters } from '../hub/counters.ts';
import type { Ingest } from '../hub/ingest.ts';
import type { Clock } from '../wire/environment.ts';
import { Rate } from './rate.ts';
import type { Transport } from './transport.ts';
import type { Turns } from './turns.ts';

export interface FlowParts {
  readonly turns: Turns;
  readonly ingest: Pick<Ingest, 'full' | 'whenRoom'>;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly limits: { readonly framesPerSecond: number; readonly bytesPerSecond: number };
}

export class Flow {
  private readonly parts: FlowParts;
  private readonly transport: Pick<Transport, 'pause' | 'resume'>;
  private readonly frameRate: Rate;
  private readonly byteRate: Rate;
  private state: 'reading' | 'turn' | 'rate' | 'batch' | 'ended' = 'reading';
  private turn = -1;
  private framesInTurn = 0;
  /** When the device is within its rate again; monotonic ms. */
  private withinRateAt = Number.NEGATIVE_INFINITY;

  constructor(parts: FlowParts, transport: Pick<Transport, 'pause' | 'resume'>) {
    this.parts = parts;
    this.transport = transport;
    const now = parts.clock.monotonic();
    this.frameRate = new Rate(parts.limits.framesPerSecond, now);
    this.byteRate = new Rate(parts.limits.bytesPerSecond, now);
  }

  /** Counts one message that was read at `now`, monotonic ms, and stops reading if that was enough. */
  took(bytes: number, now: number): void {
    const { turns } = this.parts;
    const wait = Math.max(this.frameRate.take(1, now), this.byteRate.take(bytes, now));
    if (wait > 0) this.withinRateAt = now + wait;
    this.framesInTurn = this.turn === turns.number ? this.framesInTurn + 1 : 1;
    this.turn = turns.number;
    const spent = turns.isSpent(this.framesInTurn);
    if (this.state !== 'reading') return;
    if (spent) this.pause('turn');
    else if (wait > 0 || this.parts.ingest.full) this.goOn(now);
  }

  /** The queue of turns has come to this socket. */
  turnCame(): void {
    if (this.state === 'turn') this.goOn(this.parts.clock.monotonic());
  }

  /** The connection is over; whatever calls back later finds nothing to do. */
  end(): void {
    this.state = 'ended';
  }

  /** Reads on, or finds the next reason not to. */
  private goOn(now: number): void {
    if (this.state === 'ended') return;
    const { ingest, clock } = this.parts;
    if (ingest.full) {
      this.pause('batch');
      ingest.whenRoom(() => this.goOn(clock.monotonic()));
    } else if (this.withinRateAt > now) {
      this.pause('rate');
      clock.after(this.withinRateAt - now, () => this.goOn(clock.monotonic()));
    } else if (this.state !== 'reading') {
      this.state = 'reading';
      this.transport.resume();
    }
  }

  private pause(reason: 'turn' | 'rate' | 'batch'): void {
    if (this.state === 'reading') this.transport.pause();
    this.state = reason;
    this.parts.counters.pauses[reason] += 1;
    if (reason === 'turn') this.parts.turns.enqueue(this);
  }
}
