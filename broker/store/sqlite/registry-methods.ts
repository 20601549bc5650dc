/** Registered devices as SQL. */
import type { RegisteredDeviceRow } from '../ports.ts';
import type { DatabaseMethods } from './messages.ts';
import { PAGE_ROWS, type Prepare } from './open-database.ts';

/** Tags are JSON in the table. */
type Stored = Omit<RegisteredDeviceRow, 'tags'> & { readonly tags: string };

export function registryMethods(
  prepare: Prepare,
): Pick<DatabaseMethods, 'loadRegistered' | 'saveRegistered' | 'deleteRegistered'> {
  const load = prepare<Stored>('loadRegistered');
  const save = prepare('saveRegistered');
  const remove = prepare('deleteRegistered');
  return {
    loadRegistered: (customer, device) =>
      load
        .all({ customer, device, limit: PAGE_ROWS })
        .map((row) => ({ ...row, tags: JSON.parse(row.tags) as string[] })),
    saveRegistered: (row) => void save.run({ ...row, tags: JSON.stringify(row.tags) }),
    deleteRegistered: (customer, device) => void remove.run({ customer, device }),
  };
}
