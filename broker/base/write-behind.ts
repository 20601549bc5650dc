/**
 * Saves what changes in groups: while one save is in flight the next gathers, so that a thousand changes a second cost a
 * few hundred transactions. Owns what is not saved yet. What a save that failed did not take stays, before anything newer:
 * otherwise the next checkpoint would pass it.
 */
import { inBackground } from './background.ts';
import type { Clock, Timer } from './clock.ts';
import type { Logger } from './logger.ts';

export interface WriteBehindParts<Item> {
  /** Saves these as they are now; called with a few at a time, one call after the other, never with none. */
  readonly save: (items: readonly Item[]) => Promise<void>;
  /** The most items of one call of `save`, such as the rows of one transaction; a save that fails leaves its whole group. */
  readonly group?: number;
  /** How long what `addSoon` adds may wait for others; ms. */
  readonly delay?: number;
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Logger;
  /** What the log says when a save that nobody waits for fails. */
  readonly failure: string;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WriteBehind<Item> {
  private readonly parts: WriteBehindParts<Item>;
  private unsaved = new Set<Item>();
  private waiters: Waiter[] = [];
  private timer: Timer | null = null;
  private state: 'idle' | 'saving' = 'idle';
  private life: 'open' | 'stopped' = 'open';

  constructor(parts: WriteBehindParts<Item>) {
    this.parts = parts;
  }

  /** How many items are not being saved yet. */
  get size(): number {
    return this.unsaved.size;
  }

  /** To be saved with the next flush, whoever asks for it. An item that waits already is saved once. */
  add(item: Item): void {
    this.unsaved.add(item);
  }

  /** To be saved within `delay`. Once it is stopped, with the next flush. */
  addSoon(item: Item): void {
    this.add(item);
    if (this.life === 'stopped') return;
    this.timer ??= this.parts.clock.after(this.parts.delay ?? 0, () => this.flushNow());
  }

  /** Nobody needs it any more. */
  delete(item: Item): void {
    this.unsaved.delete(item);
  }

  /** Resolves when everything added so far is durable. Rejects with the store's error. */
  flush(): Promise<void> {
    if (this.unsaved.size === 0 && this.state === 'idle') return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.run();
    });
  }

  /** Saves everything added so far; nobody waits for it. */
  flushNow(): void {
    this.cancelTimer();
    inBackground(this.flush(), this.parts.logger, this.parts.failure);
  }

  /** Idempotent; from now on it saves only when a flush asks for it. */
  stop(): void {
    this.life = 'stopped';
    this.cancelTimer();
  }

  private cancelTimer(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private run(): void {
    if (this.state === 'saving') return;
    this.state = 'saving';
    // In a microtask, so that everything of one turn is in one group.
    queueMicrotask(() => void this.saveAll());
  }

  private async saveAll(): Promise<void> {
    while (this.waiters.length > 0) {
      const { waiters } = this;
      this.waiters = [];
      try {
        await this.saveUnsaved();
        for (const { resolve } of waiters) resolve();
      } catch (error) {
        for (const { reject } of waiters) reject(error);
      }
    }
    this.state = 'idle';
  }

  private async saveUnsaved(): Promise<void> {
    const { save, group = Number.POSITIVE_INFINITY } = this.parts;
    const items = [...this.unsaved];
    this.unsaved = new Set();
    for (let at = 0; at < items.length; at += group) {
      try {
        // Encoded a group at a time, so that a hundred thousand that change together hold nobody up.
        await save(items.slice(at, at + group));
      } catch (error) {
        this.unsaved = new Set([...items.slice(at), ...this.unsaved]);
        throw error;
      }
    }
  }
}
