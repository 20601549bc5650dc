/**
 * What devices say of their commands, after the commit of the frame that says it. Results of commands that have ended are
 * looked up in the store and kept as late, one after the other. Owns the queue of those.
 */
import type { CommandStore } from '../../store/command-ports.ts';
import type { Log } from '../../wire/environment.ts';
import { newEntry } from './entry.ts';
import type { Journal } from './journal.ts';
import { answered, type DeviceResult } from './life.ts';
import { readCommand } from './record.ts';
import type { Steps } from './steps.ts';

export interface LateResult {
  readonly customer: string;
  readonly device: string;
  readonly id: string;
  readonly result: DeviceResult;
  /** Of the log record that holds it; what a row holds already changes nothing. */
  readonly position: number;
}

export interface LateResultsParts {
  readonly store: Pick<CommandStore, 'findCommands'>;
  readonly steps: Steps;
  readonly journal: Journal;
  readonly logger: Log;
}

export class LateResults {
  private readonly parts: LateResultsParts;
  private queue: Promise<void> = Promise.resolve();

  constructor(parts: LateResultsParts) {
    this.parts = parts;
  }

  add(late: LateResult): void {
    this.queue = this.queue
      .then(() => this.apply(late))
      // The store reports its failure itself, and the process ends (Stores.onFailure).
      .catch((error: unknown) => this.parts.logger.error({ err: error }, 'A late result was not kept.'));
  }

  /** Resolves when everything added so far is noted in the journal. */
  settled(): Promise<void> {
    return this.queue;
  }

  private async apply({ customer, device, id, result, position }: LateResult): Promise<void> {
    const { store, steps, journal } = this.parts;
    await journal.flush();
    const [row] = await store.findCommands(customer, id);
    if (!row || row.device !== device || position < row.position) return;
    // It keeps the position of its end: another late one may be on the way, and to keep one twice changes nothing.
    const entry = { ...newEntry(readCommand(row), 'ended'), position: row.position };
    steps.take(entry, answered(entry.command, result));
  }
}
