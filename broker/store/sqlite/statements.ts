/**
 * Loads the SQL of `schemas/sql`: statements by name, prepared once, and migrations in the order of their numbers. Also
 * cuts rows that are listed by device name into pages.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type SqliteDatabase from 'better-sqlite3';
import type { DeviceName, RowPage } from '../subject.ts';

/** Beside the code, in the source tree and in `dist` alike. */
export const SQL_FOLDER = fileURLToPath(new URL('../../../schemas/sql', import.meta.url));

export interface Migration {
  /** 1, 2, 3 … without a gap; SQLite's user_version after it ran. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

const STATEMENT = /^-- name: (\w+)$/m;
const MIGRATION_FILE = /^(\d{3})-[a-z0-9-]+\.sql$/;

/** name → SQL, of every statement that a `-- name: x` line heads. Throws if a name occurs twice. */
export function loadStatements(folder: string): ReadonlyMap<string, string> {
  const statements = new Map<string, string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.sql'))) {
    const [, ...parts] = readFileSync(join(folder, file), 'utf8').split(STATEMENT);
    for (let index = 0; index < parts.length; index += 2) {
      const name = parts[index] as string;
      if (statements.has(name)) throw new Error(`${file} names the statement ${name} a second time`);
      statements.set(name, (parts[index + 1] as string).trim());
    }
  }
  return statements;
}

export function loadMigrations(folder: string): readonly Migration[] {
  const files = readdirSync(folder).filter((name) => MIGRATION_FILE.test(name));
  return files.sort().map((name, index) => {
    const version = Number(MIGRATION_FILE.exec(name)?.[1]);
    if (version !== index + 1) throw new Error(`migration ${name} should have the number ${index + 1}`);
    return { version, name, sql: readFileSync(join(folder, name), 'utf8') };
  });
}

export type Prepare = <Row>(name: string) => SqliteDatabase.Statement<[object], Row>;

export function statementsOf(database: SqliteDatabase.Database): Prepare {
  const sources = loadStatements(SQL_FOLDER);
  return <Row>(name: string) => {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`schemas/sql has no statement ${name}`);
    return database.prepare<[object], Row>(source);
  };
}

/** Rows that are read in one call, where a port speaks of pages. */
export const PAGE_ROWS = 1000;

/** What comes after it is everything: names are not empty. */
export const FIRST_NAME: DeviceName = { customer: '', device: '' };

/** `rows`: in the order of names, asked for with one more than a page holds, which tells whether another follows. */
export function pageByName<Row extends DeviceName>(rows: readonly Row[]): RowPage<Row, DeviceName> {
  const items = rows.slice(0, PAGE_ROWS);
  return { items, next: rows.length > PAGE_ROWS ? nameOf(items.at(-1)) : null };
}

export function nameOf(row: DeviceName | undefined): DeviceName | null {
  return row ? { customer: row.customer, device: row.device } : null;
}
