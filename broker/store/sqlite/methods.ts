/** The database's methods as SQL, one small function each. Blocking: runs in the database thread. */
import SqliteDatabase from 'better-sqlite3';
import { type BrowserSessionRow, type DeviceRow, type KeyRow, StoreError } from '../ports.ts';
import { packRows, unpackRows } from './device-rows.ts';
import type { DatabaseMethods } from './messages.ts';
import { loadStatements } from './sql.ts';

const PAGE_ROWS = 1000;

interface CursorRow {
  readonly name: string;
  readonly position: number;
}

/** Prepares every statement of `sqlFolder` once. */
export function databaseMethods(database: SqliteDatabase.Database, sqlFolder: string): DatabaseMethods {
  const sources = loadStatements(sqlFolder);
  const statement = <Row>(name: string) => {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`schemas/sql has no statement ${name}`);
    return database.prepare<[object], Row>(source);
  };
  const inTransaction = <Args extends unknown[]>(run: (...args: Args) => void) => {
    const transaction = database.transaction(run);
    return (...args: Args): void => void transaction.immediate(...args);
  };
  return { ...stateMethods(statement, inTransaction), ...keyMethods(statement, inTransaction) };
}

type Prepare = <Row>(name: string) => SqliteDatabase.Statement<[object], Row>;
type InTransaction = <Args extends unknown[]>(run: (...args: Args) => void) => (...args: Args) => void;
type StateMethod =
  | 'loadDevices'
  | 'saveDevices'
  | 'checkpointPosition'
  | 'setCheckpointPosition'
  | 'loadCursors'
  | 'saveCursors';

function stateMethods(prepare: Prepare, inTransaction: InTransaction): Pick<DatabaseMethods, StateMethod> {
  const loadDevices = prepare<DeviceRow>('loadDevices');
  const saveDevice = prepare('saveDevice');
  const checkpointPosition = prepare<{ position: number }>('checkpointPosition');
  const setCheckpointPosition = prepare('setCheckpointPosition');
  const deleteForgotten = prepare('deleteForgotten');
  const loadCursors = prepare<CursorRow>('loadCursors');
  const saveCursor = prepare('saveCursor');
  return {
    loadDevices: (customer, device) => packRows(loadDevices.all({ customer, device, limit: PAGE_ROWS })),
    saveDevices: inTransaction((rows) => {
      for (const row of unpackRows(rows)) saveDevice.run(row);
    }),
    checkpointPosition: () => checkpointPosition.get({})?.position ?? 0,
    setCheckpointPosition: inTransaction((position) => {
      setCheckpointPosition.run({ position });
      deleteForgotten.run({ position });
    }),
    loadCursors: () => Object.fromEntries(loadCursors.all({}).map(({ name, position }) => [name, position])),
    saveCursors: inTransaction((cursors) => {
      for (const [name, position] of Object.entries(cursors)) saveCursor.run({ name, position });
    }),
  };
}

function keyMethods(prepare: Prepare, inTransaction: InTransaction): Omit<DatabaseMethods, StateMethod> {
  const loadKeys = prepare<KeyRow>('loadKeys');
  const insertKey = prepare('insertKey');
  const updateKey = prepare('updateKey');
  const loadBrowserSessions = prepare<BrowserSessionRow>('loadBrowserSessions');
  const insertBrowserSession = prepare('insertBrowserSession');
  const deleteBrowserSession = prepare('deleteBrowserSession');
  return {
    loadKeys: () => loadKeys.all({}),
    insertKey: (row) => unlessTaken(`key ${row.id}`, () => insertKey.run(row)),
    updateKeys: inTransaction((rows) => {
      for (const row of rows) updateKey.run(row);
    }),
    loadBrowserSessions: () => loadBrowserSessions.all({}),
    insertBrowserSession: (row) => unlessTaken('browser session', () => insertBrowserSession.run(row)),
    deleteBrowserSessions: inTransaction((hashes) => {
      for (const hash of hashes) deleteBrowserSession.run({ hash });
    }),
  };
}

/** Turns the primary key's refusal into `exists`. */
function unlessTaken(what: string, insert: () => void): void {
  try {
    insert();
  } catch (error) {
    const taken =
      error instanceof SqliteDatabase.SqliteError && error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY';
    throw taken ? new StoreError('exists', `There is a ${what} already.`) : error;
  }
}
