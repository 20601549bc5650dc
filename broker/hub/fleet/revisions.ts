/**
 * Owns the counter that numbers every change that a viewer can see. It starts at the clock, 1,024 numbers to the
 * millisecond, and stays below 2^53 until the year 2248. It also rises over restarts, whatever the clock was set to
 * meanwhile: the store holds a ceiling above every number that was given out.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { StateStore } from '../../store/ports.ts';

const PER_MILLISECOND = 1024;
/** How far the ceiling lies above what was given out: a minute's worth, so that restarts do not run ahead of the clock. */
const RESERVE = 60_000 * PER_MILLISECOND;
/** How often it is looked at; ms. A million changes a second use up half of the reserve in 30 s. */
const CHECK = 5000;

export class Revisions {
  private last: number;

  constructor(now: number) {
    this.last = now * PER_MILLISECOND;
  }

  get current(): number {
    return this.last;
  }

  next(): number {
    this.last += 1;
    return this.last;
  }

  /** From now on above `floor`. */
  raise(floor: number): void {
    this.last = Math.max(this.last, floor);
  }
}

export interface RevisionCeilingParts {
  readonly revisions: Revisions;
  readonly store: Pick<StateStore, 'revisionCeiling' | 'raiseRevisionCeiling'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps the stored ceiling above the counter. Owns its timer. */
export class RevisionCeiling {
  private readonly parts: RevisionCeilingParts;
  private ceiling = 0;
  private timer: Timer | null = null;

  constructor(parts: RevisionCeilingParts) {
    this.parts = parts;
  }

  /** To be awaited before anybody is told a revision. Rejects with the store's error. */
  async start(): Promise<void> {
    const { revisions, store, clock, logger } = this.parts;
    revisions.raise(await store.revisionCeiling());
    await this.lift();
    this.timer = clock.every(CHECK, () => {
      if (this.ceiling - revisions.current > RESERVE / 2) return;
      inBackground(this.lift(), logger, 'Revisions were not reserved.');
    });
  }

  /** Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private async lift(): Promise<void> {
    const { revisions, store } = this.parts;
    const ceiling = revisions.current + RESERVE;
    await store.raiseRevisionCeiling(ceiling);
    this.ceiling = ceiling;
  }
}
