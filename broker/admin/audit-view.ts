/** Entries of the audit as the HTTP API tells them. Pure. */
import type { AuditEntry } from '../../schemas/api.ts';
import type { NumberedAuditRow } from '../hub/audit/entry.ts';

export function auditView(row: NumberedAuditRow): AuditEntry {
  const { number, at, by, customer, action, target, detail, outcome, outcomeAt } = row;
  return {
    number,
    at,
    by,
    customer,
    action,
    target,
    detail: detail === null ? null : (JSON.parse(detail) as Record<string, unknown>),
    outcome,
    outcomeAt,
  };
}
