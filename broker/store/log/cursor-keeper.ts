/**
 * Makes the cursors of the log's readers durable, about once a second and at the stop. A cursor in the database may
 * lag behind its reader and never leads it: after a crash a reader sees its last second again.
 */
import type { Clock, Log, Timer } from '../../wire/environment.ts';
import type { StateStore } from '../ports.ts';

export type CursorStore = Pick<StateStore, 'loadCursors' | 'saveCursors'>;

const FLUSH_MS = 1000;

export class CursorKeeper {
  private readonly store: CursorStore;
  private readonly positions: () => Readonly<Record<string, number>>;
  private readonly clock: Clock;
  private readonly log: Log;
  private saved: Readonly<Record<string, number>> = {};
  private timer: Timer | null = null;
  private flushing: Promise<void> = Promise.resolve();

  /** `positions` tells where the readers stand now. */
  constructor(parts: { store: CursorStore; positions: CursorKeeper['positions']; clock: Clock; log: Log }) {
    this.store = parts.store;
    this.positions = parts.positions;
    this.clock = parts.clock;
    this.log = parts.log;
  }

  /** Returns the stored cursors. */
  async start(): Promise<Readonly<Record<string, number>>> {
    this.saved = await this.store.loadCursors();
    this.timer = this.clock.every(FLUSH_MS, () => void this.flush());
    return this.saved;
  }

  /** Saves what has moved. Never rejects: the database reports its own failure, and a lagging cursor is safe. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.save());
    return this.flushing;
  }

  async stop(): Promise<void> {
    this.timer?.cancel();
    this.timer = null;
    await this.flush();
  }

  private async save(): Promise<void> {
    const positions = this.positions();
    const moved = Object.entries(positions).filter(([name, position]) => this.saved[name] !== position);
    if (moved.length === 0) return;
    try {
      await this.store.saveCursors(Object.fromEntries(moved));
      this.saved = { ...this.saved, ...Object.fromEntries(moved) };
    } catch (error) {
      this.log.warn({ err: error }, 'The cursors of the log readers were not saved.');
    }
  }
}
