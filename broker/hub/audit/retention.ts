/**
 * Deletes what has been kept for long enough: ended commands and jobs, and old entries of the audit. Time counts no faster
 * than it passes here, so a wall clock that is set ahead by years deletes nothing. Owns its timer.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { AuditStore, CommandStore, JobStore } from '../../store/command-ports.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Rows of one transaction, so that nobody waits long for the database. */
const PORTION = 1000;

export interface RecordRetentionParts {
  readonly store: Pick<CommandStore, 'deleteEndedCommands'> &
    Pick<JobStore, 'deleteEndedJobs'> &
    Pick<AuditStore, 'deleteAudit'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: { readonly keepDays: number; readonly auditDays: number };
}

export class RecordRetention {
  private readonly parts: RecordRetentionParts;
  private timer: Timer | null = null;
  /** Wall time less monotonic time, at the start. */
  private wallOffset = 0;
  /** null: none is under way. */
  private running: Promise<void> | null = null;
  private life: 'new' | 'started' | 'stopped' = 'new';

  constructor(parts: RecordRetentionParts) {
    this.parts = parts;
  }

  /** Every hour from now on. */
  start(): void {
    const { clock } = this.parts;
    this.life = 'started';
    this.wallOffset = clock.now() - clock.monotonic();
    this.timer ??= clock.every(HOUR, () => this.runAlone());
  }

  /** Waits for the portion that is under way; the rest has time. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.running;
  }

  /** Stops without waiting; after a failure of the store. */
  abandon(): void {
    this.life = 'stopped';
    this.timer?.cancel();
    this.timer = null;
  }

  /** One that takes longer than an hour is not overtaken by the next. */
  private runAlone(): void {
    this.running ??= inBackground(this.run(), this.parts.logger, 'What is old could not be deleted.').finally(
      () => {
        this.running = null;
      },
    );
  }

  private async run(): Promise<void> {
    const { store, clock, limits, logger } = this.parts;
    const now = Math.min(clock.now(), clock.monotonic() + this.wallOffset);
    const kept = now - limits.keepDays * DAY;
    const audited = now - limits.auditDays * DAY;
    const commands = await this.all((limit) => store.deleteEndedCommands(kept, limit));
    const jobs = await this.all((limit) => store.deleteEndedJobs(kept, limit));
    const audit = await this.all((limit) => store.deleteAudit(audited, limit));
    if (commands + jobs + audit > 0) logger.info({ commands, jobs, audit }, 'What was old is deleted.');
  }

  /** Portion after portion until none is left, or it is stopped; how many in all. */
  private async all(portion: (limit: number) => Promise<number>): Promise<number> {
    let total = 0;
    while (this.life === 'started') {
      const deleted = await portion(PORTION);
      total += deleted;
      if (deleted < PORTION) break;
    }
    return total;
  }
}
