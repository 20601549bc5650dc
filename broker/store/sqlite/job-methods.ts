/** Jobs as SQL. */
import type { JobRow } from '../command-ports.ts';
import type { DatabaseMethods } from './messages.ts';
import { type Prepare, unlessTaken } from './prepare.ts';

type JobMethod =
  | 'loadOpenJobs'
  | 'lastJobNumber'
  | 'findJob'
  | 'listJobs'
  | 'insertJob'
  | 'updateJob'
  | 'deleteEndedJobs';

export function jobMethods(prepare: Prepare): Pick<DatabaseMethods, JobMethod> {
  const loadOpen = prepare<JobRow>('loadOpenJobs');
  const lastNumber = prepare<{ number: number }>('lastJobNumber');
  const find = prepare<JobRow>('findJob');
  const list = prepare<JobRow>('listJobs');
  const insert = prepare('insertJob');
  const update = prepare('updateJob');
  const deleteEnded = prepare('deleteEndedJobs');
  return {
    loadOpenJobs: () => loadOpen.all({}),
    lastJobNumber: () => lastNumber.get({})?.number ?? 0,
    findJob: (customer, id) => find.get({ customer, id }) ?? null,
    listJobs: ({ customer, before, limit }) =>
      list.all({ customer, before: before ?? Number.MAX_SAFE_INTEGER, limit }),
    insertJob: (row) => unlessTaken(`job ${row.id}`, () => insert.run(row)),
    updateJob: (row) => void update.run(row),
    deleteEndedJobs: (time, limit) => deleteEnded.run({ time, limit }).changes,
  };
}
