/** Owns the audit of the memory engine, oldest entry first. */
import type { AuditOutcome, AuditQuery, AuditRow, NumberedAuditRow } from '../command-ports.ts';
import { isOf, newest } from './rows.ts';

export class MemoryAudit {
  private rows: NumberedAuditRow[] = [];
  private lastNumber = 0;

  save(rows: readonly AuditRow[], outcomes: readonly AuditOutcome[]): void {
    for (const row of rows) {
      this.lastNumber += 1;
      this.rows.push({ ...row, number: this.lastNumber });
    }
    for (const outcome of outcomes) this.settle(outcome);
  }

  list(query: AuditQuery): readonly NumberedAuditRow[] {
    return newest(this.rows, query, (row) => fits(row, query));
  }

  delete(time: number, limit: number): number {
    const old = new Set(this.rows.filter(({ at }) => at < time).slice(0, limit));
    this.rows = this.rows.filter((row) => !old.has(row));
    return old.size;
  }

  private settle({ reference, outcome, at }: AuditOutcome): void {
    this.rows = this.rows.map((row) =>
      row.reference === reference && row.outcome === null ? { ...row, outcome, outcomeAt: at } : row,
    );
  }
}

function fits(row: NumberedAuditRow, { customer, by, action, target, from, to }: AuditQuery): boolean {
  const isAction =
    action === null || row.action === action || (action.endsWith('.') && row.action.startsWith(action));
  const isInTime = (from === null || row.at >= from) && (to === null || row.at < to);
  const isAskedFor = (by === null || row.by === by) && (target === null || row.target === target);
  return isOf(row, customer) && isAction && isInTime && isAskedFor;
}
