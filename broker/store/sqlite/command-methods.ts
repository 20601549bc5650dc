/** Commands as SQL. */
import type { CommandQuery, CommandRow } from '../command-ports.ts';
import type { DatabaseMethods } from './messages.ts';
import { type InTransaction, PAGE_ROWS, type Prepare } from './open-database.ts';

type CommandMethod =
  | 'loadOpenCommands'
  | 'lastCommandNumber'
  | 'findCommands'
  | 'listCommands'
  | 'saveCommands'
  | 'deleteEndedCommands';

export function commandMethods(
  prepare: Prepare,
  inTransaction: InTransaction,
): Pick<DatabaseMethods, CommandMethod> {
  const loadOpen = prepare<CommandRow>('loadOpenCommands');
  const lastNumber = prepare<{ number: number }>('lastCommandNumber');
  const find = prepare<CommandRow>('findCommand');
  const findOfAll = prepare<CommandRow>('findCommandsOfAll');
  const save = prepare('saveCommand');
  const deleteEnded = prepare('deleteEndedCommands');
  return {
    loadOpenCommands: (after) => loadOpen.all({ after, limit: PAGE_ROWS }),
    lastCommandNumber: () => lastNumber.get({})?.number ?? 0,
    findCommands: (customer, id) => (customer === '*' ? findOfAll.all({ id }) : find.all({ customer, id })),
    listCommands: lister(prepare),
    saveCommands: inTransaction((rows) => {
      for (const row of rows) save.run(row);
    }),
    deleteEndedCommands: (time, limit) => deleteEnded.run({ time, limit }).changes,
  };
}

/** One statement for each way of asking, so that each walks an index. */
function lister(prepare: Prepare): DatabaseMethods['listCommands'] {
  const ofJob = prepare<CommandRow>('listCommandsOfJob');
  const ofDevice = prepare<CommandRow>('listCommandsOfDevice');
  const ofCustomer = prepare<CommandRow>('listCommandsOfCustomer');
  const ofAll = prepare<CommandRow>('listCommandsOfAll');

  function statementFor({ customer, device, job }: CommandQuery): typeof ofAll {
    if (job !== null) return ofJob;
    if (customer === '*') return ofAll;
    return device === null ? ofCustomer : ofDevice;
  }

  return (query) => statementFor(query).all({ ...query, before: query.before ?? Number.MAX_SAFE_INTEGER });
}
