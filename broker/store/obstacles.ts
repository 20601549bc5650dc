/**
 * Says which errors of a store are obstacles, which pass by themselves, and not failures. `ObstacleBoard` owns which
 * obstacles there are right now, and logs when one begins, every few seconds how long it lasts, and when it is over.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Obstacle, Obstacles } from './ports.ts';

const BY_CODE: Readonly<Record<string, Obstacle>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EMFILE: 'no-descriptors',
  ENFILE: 'no-descriptors',
};

/**
 * Of an error of the file system; null: it is a failure. A failed sync is always one: whether the data reached the disk is
 * unknown then, and a second sync would prove nothing.
 */
export function obstacleOf(error: unknown): Obstacle | null {
  const { code = '', syscall = '' } = error as NodeJS.ErrnoException;
  return syscall.endsWith('sync') ? null : (BY_CODE[code] ?? null);
}

const REMIND_MS = 5000;

const WORDS: Readonly<Record<Obstacle, string>> = {
  'disk-full': 'The disk is full',
  'no-descriptors': 'The process or the system has no file descriptor left',
  'database-locked': 'Another program holds a lock on signalbox.db',
};

interface Met {
  readonly obstacle: Obstacle;
  readonly cause: string;
  readonly since: number;
}

export class ObstacleBoard implements Obstacles {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly met = new Map<keyof Obstacles, Met>();
  private readonly listeners: (() => void)[] = [];
  private timer: Timer | null = null;

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock;
    this.logger = logger;
  }

  get log(): Obstacle | null {
    return this.met.get('log')?.obstacle ?? null;
  }

  get database(): Obstacle | null {
    return this.met.get('database')?.obstacle ?? null;
  }

  listen(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** null: it has passed. */
  set(store: keyof Obstacles, obstacle: Obstacle | null, cause: string): void {
    const before = this.met.get(store);
    if (before?.obstacle === obstacle) return;
    if (before) this.passed(store, before);
    if (obstacle) this.begun(store, { obstacle, cause, since: this.clock.monotonic() });
    this.timer?.cancel();
    this.timer = this.met.size > 0 ? this.clock.every(REMIND_MS, () => this.remind()) : null;
    for (const listener of this.listeners) listener();
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private begun(store: keyof Obstacles, met: Met): void {
    this.met.set(store, met);
    this.logger.error(
      { store, obstacle: met.obstacle, cause: met.cause },
      `${WORDS[met.obstacle]}: the ${store} waits, and goes on by itself when that is over.`,
    );
  }

  private passed(store: keyof Obstacles, { obstacle, since }: Met): void {
    this.met.delete(store);
    const seconds = this.secondsSince(since);
    this.logger.warn({ store, obstacle, seconds }, `The ${store} goes on after ${seconds} s.`);
  }

  private remind(): void {
    for (const [store, { obstacle, since }] of this.met) {
      const seconds = this.secondsSince(since);
      this.logger.warn(
        { store, obstacle, seconds },
        `${WORDS[obstacle]}: the ${store} has waited for ${seconds} s.`,
      );
    }
  }

  private secondsSince(since: number): number {
    return Math.round((this.clock.monotonic() - since) / 100) / 10;
  }
}
