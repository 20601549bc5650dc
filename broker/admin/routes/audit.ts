/**
 * Serves `GET /audit`: who asked what of whom, and what became of it. Operators read their customer's part, admins all.
 */
import {
  type AuditEntryView,
  AuditListSchema,
  AuditQuerySchema,
  DEFAULT_LIMIT,
  reference,
} from '../../../schemas/api.ts';
import { sees } from '../../access/caller.ts';
import type { NumberedAuditRow } from '../../hub/audit/audit.ts';
import type { Access } from '../access.ts';
import { answers } from '../openapi.ts';
import { readNumberCursor, writeNumberCursor } from '../paging.ts';
import type { AdminParts, Api } from '../parts.ts';

function auditView(row: NumberedAuditRow): AuditEntryView {
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

export function auditRoutes(api: Api, { audit }: AdminParts, access: Access): void {
  api.get(
    '/audit',
    {
      schema: {
        operationId: 'listAuditEntries',
        summary: 'The audit, newest first',
        description:
          'Who asked what of whom, and what became of it. An operator reads what concerns its customer.',
        tags: ['audit'],
        querystring: AuditQuerySchema,
        response: answers(200, reference(AuditListSchema)),
      },
      onRequest: access.allow('operate'),
    },
    async (request) => {
      const caller = access.caller(request);
      const { customer = caller.customer, by = null, action = null, target = null } = request.query;
      const { from = null, to = null, limit = DEFAULT_LIMIT, cursor } = request.query;
      const before = readNumberCursor(cursor, 'audit');
      if (!sees(caller, customer)) return { items: [], next: null };
      const page = await audit.list({ customer, by, action, target, from, to, before, limit });
      return { items: page.items.map(auditView), next: writeNumberCursor(page.next, 'audit') };
    },
  );
}
