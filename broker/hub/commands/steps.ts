/**
 * The one place where a command changes. What a device said is in the telemetry log when it comes here, so it is told at
 * once; what the broker decides is saved first, then told. Owns the listeners.
 */
import type { Revisions } from '../fleet/revisions.ts';
import { type Command, type CommandListener, isFinal } from './command.ts';
import type { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import type { OpenCommands } from './open-commands.ts';

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
