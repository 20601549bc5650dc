/** How methods get their statements: prepared once, by the names that stand in schemas/sql. */
import SqliteDatabase from 'better-sqlite3';
import { StoreError } from '../ports.ts';

export type Prepare = <Row>(name: string) => SqliteDatabase.Statement<[object], Row>;
export type InTransaction = <Args extends unknown[]>(run: (...args: Args) => void) => (...args: Args) => void;

/** Rows that are read in one call, where a port speaks of pages. */
export const PAGE_ROWS = 1000;

/** Turns the primary key's refusal into `exists`. */
export function unlessTaken(what: string, insert: () => void): void {
  try {
    insert();
  } catch (error) {
    const taken =
      error instanceof SqliteDatabase.SqliteError && error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY';
    throw taken ? new StoreError('exists', `There is a ${what} already.`) : error;
  }
}
