/**
 * Owns every command that is not final: by its id, for each device in the order of creation, and how many each customer and
 * each of its keys has.
 *
 * A command that is not final, with what the broker must know of it right now. Owned by `Commands`.
 *
 * The one place where a command changes. What a device said is in the telemetry log when it comes here, so it is told
 * at once; what the broker decides is saved first, then told. Owns the listeners.
 *
 * Saves commands, in groups. What devices say is in the telemetry log already and can wait a moment; what the broker decides
 * is saved before anybody is told.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { WriteBehind } from '../../base/write-behind.ts';
import type { CommandStore } from '../../store/command-ports.ts';
import type { Revisions } from '../fleet/revisions.ts';
import { type Command, type CommandListener, isFinal, writeCommand } from './command.ts';
import type { Deadline } from './deadlines.ts';
import { isWaiting } from './life.ts';

export interface Entry {
  command: Command;
  /** `storing`: nobody knows of it until it is durable. `ended`: final; it waits to be saved, no more. */
  state: 'storing' | 'open' | 'ended';
  /** The connection that it is written to, or is about to be; null: it waits. */
  session: string | null;
  /**
   * The next attempt: `counted`, which is being saved; `durable`, so its bytes may leave. It stays so when its connection
   * goes before the bytes do, and the next connection uses it. `none`: they have left.
   */
  attempt: 'none' | 'counted' | 'durable';
  /** Up to which log position it holds results, once it has ended; null: up to the one that is applied. */
  position: number | null;
  expiry: Deadline | null;
  acceptance: Deadline | null;
}

export function newEntry(command: Command, state: Entry['state']): Entry {
  return { command, state, session: null, attempt: 'none', position: null, expiry: null, acceptance: null };
}

export interface StepsParts {
  readonly open: OpenCommands;
  readonly journal: Journal;
  readonly revisions: Revisions;
  readonly ingest: { readonly position: number };
}

export class Steps {
  private readonly parts: StepsParts;
  private readonly listeners = new Set<CommandListener>();

  constructor(parts: StepsParts) {
    this.parts = parts;
  }

  onStep(listener: CommandListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A step that is on record elsewhere, or that nobody relies on after a crash. */
  take(entry: Entry, next: Command): void {
    if (next === entry.command) return;
    this.change(entry, next);
    this.parts.journal.note(entry);
    this.tell(next);
  }

  /** A step that the broker takes: durable when it resolves, and then told. */
  async decide(entry: Entry, next: Command): Promise<void> {
    if (next === entry.command) return this.parts.journal.flush();
    this.change(entry, next);
    await this.parts.journal.save(entry);
    this.tell(next);
  }

  /** A command that has just become durable. */
  tell(command: Command): void {
    const rev = this.parts.revisions.next();
    for (const listener of this.listeners) listener(command, rev);
  }

  private change(entry: Entry, next: Command): void {
    entry.command = next;
    if (!isFinal(next.status) || entry.state === 'ended') return;
    entry.state = 'ended';
    // What comes from now on is late, and not in it until it is kept.
    entry.position = this.parts.ingest.position;
    entry.expiry?.cancel();
    entry.acceptance?.cancel();
    this.parts.open.remove(entry);
  }
}

/** How long a step that is safe in the log may wait for others; ms. */
const LAZY = 100;
/** Rows of one transaction. */
const GROUP = 1000;

export interface JournalParts {
  readonly store: Pick<CommandStore, 'saveCommands'>;
  readonly ingest: { readonly position: number };
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Journal {
  private readonly writes: WriteBehind<Entry>;

  constructor({ store, ingest, clock, logger }: JournalParts) {
    this.writes = new WriteBehind({
      save: (entries) =>
        store.saveCommands(
          entries.map(({ command, position }) => writeCommand(command, position ?? ingest.position)),
        ),
      group: GROUP,
      delay: LAZY,
      clock,
      logger,
      failure: 'Commands could not be saved.',
    });
  }

  /** Resolves when the command is durable as it is now. Rejects with the store's error. */
  save(entry: Entry): Promise<void> {
    this.writes.add(entry);
    return this.writes.flush();
  }

  /** To be saved within a moment; nobody waits for it. */
  note(entry: Entry): void {
    this.writes.addSoon(entry);
  }

  /** Resolves when everything noted so far is durable. */
  flush(): Promise<void> {
    return this.writes.flush();
  }

  /** Idempotent; saves nothing more by itself. */
  stop(): void {
    this.writes.stop();
  }
}

export class OpenCommands {
  private readonly byId = new Map<string, Entry>();
  private readonly byDevice = new Map<string, Set<Entry>>();
  /** By customer, and by `customer/key`. */
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.byId.size;
  }

  find(customer: string, id: string): Entry | null {
    return this.byId.get(`${customer}/${id}`) ?? null;
  }

  /** Oldest first. */
  of(customer: string, device: string): readonly Entry[] {
    return [...(this.byDevice.get(`${customer}/${device}`) ?? [])];
  }

  count(customer: string, device: string): number {
    return this.byDevice.get(`${customer}/${device}`)?.size ?? 0;
  }

  countOfCustomer(customer: string): number {
    return this.counts.get(customer) ?? 0;
  }

  /** Those that one key has asked of one customer's devices. */
  countOfKey(customer: string, key: string): number {
    return this.counts.get(`${customer}/${key}`) ?? 0;
  }

  all(): Iterable<Entry> {
    return this.byId.values();
  }

  /** In the order of `number`. */
  add(entry: Entry): void {
    const { customer, device, id } = entry.command;
    this.byId.set(`${customer}/${id}`, entry);
    this.addTo(entry.command, 1);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name) ?? new Set();
    this.byDevice.set(name, entries.add(entry));
  }

  remove(entry: Entry): void {
    const { customer, device, id } = entry.command;
    if (!this.byId.delete(`${customer}/${id}`)) return;
    this.addTo(entry.command, -1);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name);
    entries?.delete(entry);
    if (entries?.size === 0) this.byDevice.delete(name);
  }

  private addTo({ customer, by }: Entry['command'], change: 1 | -1): void {
    for (const owner of [customer, `${customer}/${by}`]) {
      const count = (this.counts.get(owner) ?? 0) + change;
      if (count === 0) this.counts.delete(owner);
      else this.counts.set(owner, count);
    }
  }
}

/** Written to this connection, or about to be, and not accepted yet. */
export function isInFlight({ command, session }: Entry, to: string): boolean {
  return session === to && isWaiting(command);
}
