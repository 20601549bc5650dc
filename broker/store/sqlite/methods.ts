/** The database's methods as SQL, one file a subject. Blocking: runs in the database thread. */
import type SqliteDatabase from 'better-sqlite3';
import { auditMethods } from './audit-methods.ts';
import { commandMethods } from './command-methods.ts';
import { desiredMethods } from './desired-methods.ts';
import { jobMethods } from './job-methods.ts';
import { keyMethods } from './key-methods.ts';
import type { DatabaseMethods } from './messages.ts';
import type { InTransaction, Prepare } from './prepare.ts';
import { registryMethods } from './registry-methods.ts';
import { loadStatements } from './sql.ts';
import { stateMethods } from './state-methods.ts';

/** Prepares every statement of `sqlFolder` once. */
export function databaseMethods(database: SqliteDatabase.Database, sqlFolder: string): DatabaseMethods {
  const sources = loadStatements(sqlFolder);
  const prepare: Prepare = <Row>(name: string) => {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`schemas/sql has no statement ${name}`);
    return database.prepare<[object], Row>(source);
  };
  const inTransaction: InTransaction = <Args extends unknown[]>(run: (...args: Args) => void) => {
    const transaction = database.transaction(run);
    return (...args: Args): void => void transaction.immediate(...args);
  };
  return {
    ...stateMethods(prepare, inTransaction),
    ...registryMethods(prepare),
    ...keyMethods(prepare, inTransaction),
    ...commandMethods(prepare, inTransaction),
    ...jobMethods(prepare),
    ...desiredMethods(prepare, inTransaction),
    ...auditMethods(prepare, inTransaction),
  };
}
