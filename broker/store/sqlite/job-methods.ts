/** Jobs as SQL. */
import type { JobRow } from '../command-ports.ts';
import { StoreError } from '../ports.ts';
import type { DatabaseMethods } from './messages.ts';
import type { Prepare } from './open-database.ts';

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
  const ofCustomer = prepare<JobRow>('listJobsOfCustomer');
  const ofAll = prepare<JobRow>('listJobsOfAll');
  const insert = prepare('insertJob');
  const update = prepare('updateJob');
  const deleteEnded = prepare('deleteEndedJobs');
  return {
    loadOpenJobs: () => loadOpen.all({}),
    lastJobNumber: () => lastNumber.get({})?.number ?? 0,
    findJob: (customer, id) => find.get({ customer, id }) ?? null,
    listJobs: (query) => {
      const statement = query.customer === '*' ? ofAll : ofCustomer;
      return statement.all({ ...query, before: query.before ?? Number.MAX_SAFE_INTEGER });
    },
    insertJob: (row) => {
      const { changes } = insert.run(row);
      if (changes === 0) throw new StoreError('exists', `There is a job ${row.id} already.`);
    },
    updateJob: (row) => void update.run(row),
    deleteEndedJobs: (time, limit) => deleteEnded.run({ time, limit }).changes,
  };
}
