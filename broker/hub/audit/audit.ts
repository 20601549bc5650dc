/**
 * The audit: who asked what of whom, when, and what became of it. Entries are written in groups, a moment after they
 * happened; a request never fails because of them, and a store that fails ends the process. Owns what is not written yet,
 * bounded in number; beyond that entries are counted as lost, and the log says so.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { SerialQueue } from '../../base/serial-queue.ts';
import type {
  AuditOutcome,
  AuditQuery,
  AuditRow,
  AuditStore,
  NumberedAuditRow,
} from '../../store/command-ports.ts';

import type { RowPage } from '../../store/subject.ts';

export type { AuditQuery, NumberedAuditRow } from '../../store/command-ports.ts';

/** Everything that is written down: `action` → when. docs/audit.md repeats the table. */
export const AUDIT_ACTIONS = {
  'command.send': 'A command was sent to a device.',
  'command.cancel': 'A command, or everything that waited for a device, was cancelled.',
  'job.create': 'A command was sent to a group.',
  'job.cancel': 'A job was cancelled.',
  'job.resume': 'A halted job was resumed.',
  'desired.put': 'Desired state was replaced.',
  'desired.patch': 'Desired state was changed in part.',
  'device.put': 'A device was named, or made known before it connected.',
  'device.forget': 'A device was forgotten.',
  'key.create': 'A key was created.',
  'key.rotate': 'A key was rotated.',
  'key.revoke': 'A key was revoked.',
  'bridge.outage': 'The MQTT bridge was without its peer, and has caught up.',
} as const;
export type AuditAction = keyof typeof AUDIT_ACTIONS;

/** Everybody's entries, from the newest. */
export const WHOLE_AUDIT: Omit<AuditQuery, 'limit'> = {
  customer: '*',
  by: null,
  action: null,
  target: null,
  from: null,
  to: null,
  before: null,
};

export interface AuditEntry extends Omit<AuditRow, 'detail' | 'outcomeAt' | 'reference' | 'at' | 'action'> {
  readonly action: AuditAction;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly reference?: string;
}

/** How long an entry may wait for others; ms. */
const GROUP = 200;
/** Entries that may wait for a store that is slow; beyond that they are counted and lost, and the log says so. */
const MOST_WAITING = 100_000;

export interface AuditParts {
  readonly store: Pick<AuditStore, 'saveAudit' | 'listAudit' | 'unlessHeldUp'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Audit {
  private readonly parts: AuditParts;
  private rows: AuditRow[] = [];
  private outcomes: AuditOutcome[] = [];
  private timer: Timer | null = null;
  private readonly writes = new SerialQueue();
  private lost = 0;
  private life: 'open' | 'stopped' = 'open';

  constructor(parts: AuditParts) {
    this.parts = parts;
  }

  /** Written with the next group, within a second; `at` is now. */
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

  /** The outcome of the entry with this reference. */
  settle(reference: string, outcome: string): void {
    if (!this.hasRoom()) return;
    this.outcomes.push({ reference, outcome, at: this.parts.clock.now() });
    this.writeSoon();
  }

  /** Newest first, with everything that was added before. */
  async list(query: AuditQuery): Promise<RowPage<NumberedAuditRow, number>> {
    await this.parts.store.unlessHeldUp(this.flush());
    return this.parts.store.listAudit(query);
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
      inBackground(this.flush(), this.parts.logger, 'The audit could not be written.');
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
