/** Desired and reported state as SQL. */
import type { DesiredRow } from '../command-ports.ts';
import type { DatabaseMethods } from './messages.ts';
import { type InTransaction, PAGE_ROWS, type Prepare } from './open-database.ts';

export function desiredMethods(
  prepare: Prepare,
  inTransaction: InTransaction,
): Pick<DatabaseMethods, 'loadDesired' | 'saveDesired'> {
  const load = prepare<DesiredRow>('loadDesired');
  const save = prepare('saveDesired');
  const remove = prepare('deleteDesired');
  return {
    loadDesired: (customer, device) => load.all({ customer, device, limit: PAGE_ROWS }),
    saveDesired: inTransaction((rows) => {
      for (const row of rows) {
        if (row.body === null) remove.run({ customer: row.customer, device: row.device });
        else save.run(row);
      }
    }),
  };
}
