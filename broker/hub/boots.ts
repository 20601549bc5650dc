/**
 * How far each run of a device has come (P-3.2, P-4.3): the highest seq taken in, and the highest that is durable.
 * Owns the last few boots of one device; the oldest falls out when a new one comes.
 */
import type { Boot } from '../wire/frames.ts';

export interface Progress {
  /** Joined a batch; what is not above it is a repetition. */
  accepted: number;
  /** Committed; what is not above it is acknowledged again at once. */
  durable: number;
}

/** A device that alternates between more runs than this is not one device. */
const KEPT = 8;

export class Boots {
  private readonly byBoot = new Map<Boot, Progress>();

  /** The progress of this boot, which becomes the most recent one. */
  enter(boot: Boot): Progress {
    const progress = this.byBoot.get(boot) ?? { accepted: 0, durable: 0 };
    this.byBoot.delete(boot);
    this.byBoot.set(boot, progress);
    if (this.byBoot.size > KEPT) this.byBoot.delete(this.byBoot.keys().next().value as Boot);
    return progress;
  }

  /** Oldest first. */
  entries(): IterableIterator<[Boot, Progress]> {
    return this.byBoot.entries();
  }
}
