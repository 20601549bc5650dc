/**
 * What devices say of their commands, after the commit of the frame that says it. Results of commands that have ended are
 * looked up in the store and kept as late, one after the other. Owns the queue of those, of which a device that floods
 * has a bounded share.
 */
import { inBackground } from '../../base/background.ts';
import type { Logger } from '../../base/logger.ts';
import { SerialQueue } from '../../base/serial-queue.ts';
import type { CommandStore } from '../../store/command-ports.ts';
import { readCommand } from './command.ts';
import { answered, type DeviceResult } from './life.ts';
import { type Journal, newEntry, type Steps } from './open-commands.ts';

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
  readonly logger: Logger;
}

/** Of a device that wait to be looked up; more of them are dropped. */
const MOST_WAITING = 256;

export class LateResults {
  private readonly parts: LateResultsParts;
  private readonly queue = new SerialQueue();
  /** How many wait, by `customer/device`. */
  private readonly waiting = new Map<string, number>();

  constructor(parts: LateResultsParts) {
    this.parts = parts;
  }

  add(late: LateResult): void {
    const { logger } = this.parts;
    const device = `${late.customer}/${late.device}`;
    const waiting = this.waiting.get(device) ?? 0;
    if (waiting === MOST_WAITING) {
      logger.debug(
        { device, command: late.id },
        'Too many results of commands that are over; one was dropped.',
      );
      return;
    }
    this.waiting.set(device, waiting + 1);
    inBackground(
      this.queue.run(() => this.apply(late).finally(() => this.done(device))),
      logger,
      'A late result was not kept.',
    );
  }

  private done(device: string): void {
    const left = (this.waiting.get(device) ?? 1) - 1;
    if (left === 0) this.waiting.delete(device);
    else this.waiting.set(device, left);
  }

  /** Resolves when everything added so far is noted in the journal. */
  settled(): Promise<void> {
    return this.queue.run(async () => {});
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
