/** The audit as SQL. */
import type { AuditQuery, NumberedAuditRow } from '../command-ports.ts';
import type { DatabaseMethods } from './messages.ts';
import type { InTransaction, Prepare } from './open-database.ts';

export function auditMethods(
  prepare: Prepare,
  inTransaction: InTransaction,
): Pick<DatabaseMethods, 'saveAudit' | 'listAudit' | 'deleteAudit'> {
  const insert = prepare('insertAudit');
  const settle = prepare('settleAudit');
  const remove = prepare('deleteAudit');
  return {
    saveAudit: inTransaction((rows, outcomes) => {
      for (const row of rows) insert.run(row);
      for (const outcome of outcomes) settle.run(outcome);
    }),
    listAudit: lister(prepare),
    deleteAudit: (time, limit) => remove.run({ time, limit }).changes,
  };
}

/** One statement for each way of asking, so that each walks the index that leaves the fewest entries. */
function lister(prepare: Prepare): DatabaseMethods['listAudit'] {
  const ofTarget = prepare<NumberedAuditRow>('listAuditOfTarget');
  const ofKey = prepare<NumberedAuditRow>('listAuditOfKey');
  const ofCustomer = prepare<NumberedAuditRow>('listAuditOfCustomer');
  const ofAll = prepare<NumberedAuditRow>('listAuditOfAll');
  const firstSince = prepare<{ number: number | null }>('firstAuditSince');

  function statementFor({ target, by, customer }: AuditQuery): typeof ofAll {
    if (target !== null) return ofTarget;
    if (by !== null) return ofKey;
    return customer === '*' ? ofAll : ofCustomer;
  }

  return (query) => {
    const { from, to, before } = query;
    // Without it, a short time with few entries would be looked for through all that is older.
    const first = from === null ? 0 : (firstSince.get({ from })?.number ?? null);
    if (first === null) return [];
    return statementFor(query).all({
      ...query,
      first,
      before: before ?? Number.MAX_SAFE_INTEGER,
      from: from ?? Number.MIN_SAFE_INTEGER,
      to: to ?? Number.MAX_SAFE_INTEGER,
    });
  };
}
