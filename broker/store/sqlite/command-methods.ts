/** Commands, jobs, desired state and the audit as SQL; what each method promises stands in store/command-ports.ts. */
import type {
  AuditMethods,
  AuditQuery,
  CommandMethods,
  CommandQuery,
  CommandRow,
  DesiredMethods,
  DesiredRow,
  JobMethods,
  JobRow,
  NumberedAuditRow,
} from '../command-ports.ts';
import { StoreError } from '../ports.ts';
import type { RowPage } from '../subject.ts';
import { FIRST_NAME, PAGE_ROWS, type Prepare, pageByName } from './statements.ts';

interface Numbered {
  readonly number: number;
}

/** Before the oldest of what is listed newest first: nothing is left out. */
const NEWEST = Number.MAX_SAFE_INTEGER;

/** `rows`: asked for with one more than `limit`, which tells whether another page follows. */
function pageByNumber<Row extends Numbered>(rows: readonly Row[], limit: number): RowPage<Row, number> {
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? (items.at(-1)?.number ?? null) : null };
}

export function commandMethods(prepare: Prepare): CommandMethods {
  const loadOpen = prepare<CommandRow>('loadOpenCommands');
  const lastNumber = prepare<Numbered>('lastCommandNumber');
  const find = prepare<CommandRow>('findCommand');
  const findOfAll = prepare<CommandRow>('findCommandsOfAll');
  const save = prepare('saveCommand');
  const deleteEnded = prepare('deleteEndedCommands');
  return {
    loadOpenCommands: (after) =>
      pageByNumber(loadOpen.all({ after: after ?? 0, limit: PAGE_ROWS + 1 }), PAGE_ROWS),
    lastCommandNumber: () => lastNumber.get({})?.number ?? 0,
    findCommands: (customer, id) => (customer === '*' ? findOfAll.all({ id }) : find.all({ customer, id })),
    listCommands: commandLister(prepare),
    saveCommands: (rows) => {
      for (const row of rows) save.run(row);
    },
    deleteEndedCommands: (time, limit) => deleteEnded.run({ time, limit }).changes,
  };
}

/** One statement for each way of asking, so that each walks an index. */
function commandLister(prepare: Prepare): CommandMethods['listCommands'] {
  const ofJob = prepare<CommandRow>('listCommandsOfJob');
  const ofDevice = prepare<CommandRow>('listCommandsOfDevice');
  const ofCustomer = prepare<CommandRow>('listCommandsOfCustomer');
  const ofAll = prepare<CommandRow>('listCommandsOfAll');

  function statementFor({ customer, device, job }: CommandQuery): typeof ofAll {
    if (job !== null) return ofJob;
    if (customer === '*') return ofAll;
    return device === null ? ofCustomer : ofDevice;
  }

  return (query) => {
    const { before, limit } = query;
    const rows = statementFor(query).all({ ...query, before: before ?? NEWEST, limit: limit + 1 });
    return pageByNumber(rows, limit);
  };
}

export function jobMethods(prepare: Prepare): JobMethods {
  const loadOpen = prepare<JobRow>('loadOpenJobs');
  const lastNumber = prepare<Numbered>('lastJobNumber');
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
    listJobs: ({ customer, before, limit }) => {
      const statement = customer === '*' ? ofAll : ofCustomer;
      const rows = statement.all({ customer, before: before ?? NEWEST, limit: limit + 1 });
      return pageByNumber(rows, limit);
    },
    insertJob: (row) => {
      const { changes } = insert.run(row);
      if (changes === 0) throw new StoreError('exists', `There is a job ${row.id} already.`);
    },
    updateJob: (row) => void update.run(row),
    deleteEndedJobs: (time, limit) => deleteEnded.run({ time, limit }).changes,
  };
}

export function desiredMethods(prepare: Prepare): DesiredMethods {
  const load = prepare<DesiredRow>('loadDesired');
  const save = prepare('saveDesired');
  const remove = prepare('deleteDesired');
  return {
    loadDesired: (after) => pageByName(load.all({ ...(after ?? FIRST_NAME), limit: PAGE_ROWS + 1 })),
    saveDesired: (rows) => {
      for (const row of rows) {
        if (row.body === null) remove.run({ customer: row.customer, device: row.device });
        else save.run(row);
      }
    },
  };
}

export function auditMethods(prepare: Prepare): AuditMethods {
  const insert = prepare('insertAudit');
  const settle = prepare('settleAudit');
  const remove = prepare('deleteAudit');
  return {
    saveAudit: (rows, outcomes) => {
      for (const row of rows) insert.run(row);
      for (const outcome of outcomes) settle.run(outcome);
    },
    listAudit: auditLister(prepare),
    deleteAudit: (time, limit) => remove.run({ time, limit }).changes,
  };
}

/** One statement for each way of asking, so that each walks the index that leaves the fewest entries. */
function auditLister(prepare: Prepare): AuditMethods['listAudit'] {
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
    const { from, to, before, limit } = query;
    // Without it, a short time with few entries would be looked for through all that is older.
    const first = from === null ? 0 : (firstSince.get({ from })?.number ?? null);
    if (first === null) return { items: [], next: null };
    const rows = statementFor(query).all({
      ...query,
      first,
      before: before ?? NEWEST,
      from: from ?? Number.MIN_SAFE_INTEGER,
      to: to ?? Number.MAX_SAFE_INTEGER,
      limit: limit + 1,
    });
    return pageByNumber(rows, limit);
  };
}
