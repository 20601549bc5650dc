/**
 * Saves commands in groups: while one save is in flight the next gathers, so that a thousand commands a second cost a few
 * hundred transactions. Owns what is not saved yet. What devices say is in the telemetry log already and can wait a
 * moment; what the broker decides is saved before anybody is told.
 */
import type { CommandStore } from '../../store/command-ports.ts';
import type { Clock, Log, Timer } from '../../wire/environment.ts';
import type { Entry } from './entry.ts';
import { writeCommand } from './record.ts';

/** How long a step that is safe in the log may wait for others; ms. */
const LAZY = 100;
/** Rows of one transaction. */
const GROUP = 1000;

export interface JournalParts {
  readonly store: Pick<CommandStore, 'saveCommands'>;
  readonly ingest: { readonly position: number };
  readonly clock: Clock;
  readonly logger: Log;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Journal {
  private readonly parts: JournalParts;
  private readonly dirty = new Set<Entry>();
  private waiters: Waiter[] = [];
  private timer: Timer | null = null;
  private state: 'idle' | 'saving' = 'idle';

  constructor(parts: JournalParts) {
    this.parts = parts;
  }

  /** Resolves when the command is durable as it is now. Rejects with the store's error. */
  save(entry: Entry): Promise<void> {
    this.dirty.add(entry);
    return this.flush();
  }

  /** To be saved within a moment; nobody waits for it. */
  note(entry: Entry): void {
    this.dirty.add(entry);
    this.timer ??= this.parts.clock.after(LAZY, () => {
      this.timer = null;
      this.flush().catch((error: unknown) => {
        // The store reports its failure itself, and the process ends (Stores.onFailure).
        this.parts.logger.error({ err: error }, 'Commands could not be saved.');
      });
    });
  }

  /** Resolves when everything noted so far is durable. */
  flush(): Promise<void> {
    if (this.dirty.size === 0 && this.state === 'idle') return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.run();
    });
  }

  /** Idempotent; saves nothing more by itself. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private run(): void {
    if (this.state === 'saving') return;
    this.state = 'saving';
    // In a microtask, so that everything of one turn is in one group, at one log position.
    queueMicrotask(() => void this.saveAll());
  }

  private async saveAll(): Promise<void> {
    while (this.waiters.length > 0) {
      const { waiters } = this;
      this.waiters = [];
      try {
        await this.saveDirty();
        for (const { resolve } of waiters) resolve();
      } catch (error) {
        for (const { reject } of waiters) reject(error);
      }
    }
    this.state = 'idle';
  }

  private async saveDirty(): Promise<void> {
    const { store, ingest } = this.parts;
    const entries = [...this.dirty];
    this.dirty.clear();
    for (let at = 0; at < entries.length; at += GROUP) {
      // Encoded a group at a time, so that a hundred thousand that expire together hold nobody up.
      const rows = entries
        .slice(at, at + GROUP)
        .map(({ command, position }) => writeCommand(command, position ?? ingest.position));
      try {
        await store.saveCommands(rows);
      } catch (error) {
        // Otherwise the next checkpoint would pass them.
        for (const entry of entries.slice(at)) this.dirty.add(entry);
        throw error;
      }
    }
  }
}
