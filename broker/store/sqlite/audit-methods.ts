/** The audit as SQL. */
import type { NumberedAuditRow } from '../command-ports.ts';
import type { DatabaseMethods } from './messages.ts';
import type { InTransaction, Prepare } from './prepare.ts';

export function auditMethods(
  prepare: Prepare,
  inTransaction: InTransaction,
): Pick<DatabaseMethods, 'saveAudit' | 'listAudit' | 'deleteAudit'> {
  const insert = prepare('insertAudit');
  const settle = prepare('settleAudit');
  const ofAll = prepare<NumberedAuditRow>('listAudit');
  const ofCustomer = prepare<NumberedAuditRow>('listAuditOfCustomer');
  const remove = prepare('deleteAudit');
  return {
    saveAudit: inTransaction((rows, outcomes) => {
      for (const row of rows) insert.run(row);
      for (const outcome of outcomes) settle.run(outcome);
    }),
    listAudit: (query) => {
      const statement = query.customer === '*' ? ofAll : ofCustomer;
      return statement.all({ ...query, before: query.before ?? Number.MAX_SAFE_INTEGER });
    },
    deleteAudit: (time, limit) => remove.run({ time, limit }).changes,
  };
}
