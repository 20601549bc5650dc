/**
 * The audit: who asked what of whom, when, and what became of it. Written in groups, a moment after it happened. Owns
 * what is not written yet.
 */
import type { AuditOutcome, AuditQuery, AuditRow, AuditStore } from '../../store/command-ports.ts';
import type { Clock, Log, Timer } from '../../wire/environment.ts';
import { OneAtATime } from '../one-at-a-time.ts';
import { cutPage } from '../page.ts';
import type { AuditDesk, AuditEntry } from './entry.ts';

/** How long an entry may wait for others; ms. */
const GROUP = 200;
/** Entries that may wait for a store that is slow; beyond that they are counted and lost, and the log says so. */
const MOST_WAITING = 100_000;

export interface AuditParts {
  readonly store: Pick<AuditStore, 'saveAudit' | 'listAudit' | 'unlessHeldUp'>;
  readonly clock: Clock;
  readonly logger: Log;
}

export class Audit implements AuditDesk {
  private readonly parts: AuditParts;
  private rows: AuditRow[] = [];
  private outcomes: AuditOutcome[] = [];
  private timer: Timer | null = null;
  private readonly writes = new OneAtATime();
  private lost = 0;
  private life: 'open' | 'stopped' = 'open';

  constructor(parts: AuditParts) {
    this.parts = parts;
  }

  add({ detail, reference, outcome, ...entry }: AuditEntry): void {
    const at = this.parts.clock.now();
    if (!this.hasRoom()) return;
    this.rows.push({
      ...entry,
      at,
      detail: detail === undefined ? null : JSON.stringify(detail),
      outcome,
      outcomeAt: outcome === null ? null : at,
      reference: reference ?? null,
    });
    this.writeSoon();
  }

  settle(reference: string, outcome: string): void {
    if (!this.hasRoom()) return;
    this.outcomes.push({ reference, outcome, at: this.parts.clock.now() });
    this.writeSoon();
  }

  async list(query: AuditQuery): ReturnType<AuditDesk['list']> {
    await this.parts.store.unlessHeldUp(this.flush());
    const rows = await this.parts.store.listAudit({ ...query, limit: query.limit + 1 });
    return cutPage(rows, query.limit);
  }

  /** Writes what waits. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.flush();
  }

  /** Stops without writing; after a failure of the store. */
  abandon(): void {
    this.life = 'stopped';
    this.timer?.cancel();
    this.timer = null;
  }

  private hasRoom(): boolean {
    if (this.rows.length + this.outcomes.length < MOST_WAITING) return true;
    this.lost += 1;
    if (this.lost === 1)
      this.parts.logger.error({}, 'The store is too slow for the audit; entries are lost.');
    return false;
  }

  private writeSoon(): void {
    if (this.life === 'stopped') return;
    this.timer ??= this.parts.clock.after(GROUP, () => {
      this.timer = null;
      this.flush().catch((error: unknown) => {
        // The store reports its failure itself, and the process ends (Stores.onFailure).
        this.parts.logger.error({ err: error }, 'The audit could not be written.');
      });
    });
  }

  /** One group after the other, so that an outcome never comes before its entry. */
  private flush(): Promise<void> {
    return this.writes.run(() => this.write());
  }

  private async write(): Promise<void> {
    const { rows, outcomes } = this;
    if (rows.length === 0 && outcomes.length === 0) return;
    this.rows = [];
    this.outcomes = [];
    await this.parts.store.saveAudit(rows, outcomes);
    if (this.lost > 0) this.parts.logger.warn({ lost: this.lost }, 'Entries of the audit were lost.');
    this.lost = 0;
  }
}
