/**
 * The database's methods as SQL, one file a subject; and the count of the commits whose rows no log brings back, which
 * rises in the same transaction. Blocking: runs in the database thread.
 */
import type SqliteDatabase from 'better-sqlite3';
import { auditMethods } from './audit-methods.ts';
import { commandMethods } from './command-methods.ts';
import { desiredMethods } from './desired-methods.ts';
import { jobMethods } from './job-methods.ts';
import { keyMethods } from './key-methods.ts';
import { type DatabaseCall, type DatabaseMethods, isKept } from './messages.ts';
import { type InTransaction, loadStatements, type Prepare } from './open-database.ts';
import { registryMethods } from './registry-methods.ts';
import { stateMethods } from './state-methods.ts';

/** What a call came to. */
export interface Outcome {
  readonly value: unknown;
  /** See `Mark`; null: the call did not raise it. */
  readonly generation: number | null;
}

export type RunCall = (call: Pick<DatabaseCall, 'method' | 'args'>) => Outcome;

/** Prepares every statement of `sqlFolder` once. */
export function databaseMethods(database: SqliteDatabase.Database, sqlFolder: string): RunCall {
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
  const methods: DatabaseMethods = {
    ...stateMethods(prepare, inTransaction),
    ...registryMethods(prepare),
    ...keyMethods(prepare, inTransaction),
    ...commandMethods(prepare, inTransaction),
    ...jobMethods(prepare),
    ...desiredMethods(prepare, inTransaction),
    ...auditMethods(prepare, inTransaction),
  };
  const run = ({ method, args }: Pick<DatabaseCall, 'method' | 'args'>): unknown =>
    (methods[method] as (...args: readonly unknown[]) => unknown)(...args);
  const raise = prepare<{ generation: number }>('raiseMark');
  const kept = database.transaction((call: Pick<DatabaseCall, 'method' | 'args'>): Outcome => {
    const value = run(call);
    return { value, generation: raise.get({})?.generation ?? null };
  });
  return (call) =>
    isKept(call.method, call.args) ? kept.immediate(call) : { value: run(call), generation: null };
}
