/**
 * Opens the database file: refuses what is not ours, damaged, newer or behind its mark, before anything is changed; sets what
 * makes a commit survive a power cut, and checks that it took; brings the schema up to date.
 *
 * Reads the SQL that lives in `schemas/sql`: named statements, and migrations in the order of their numbers.
 *
 * How methods get their statements: prepared once, by the names that stand in schemas/sql.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { wayOn } from '../consent.ts';
import type { MarkFile } from '../mark.ts';
import { StoreError } from '../ports.ts';
import { judgeMark, type OwnMark, takeUpMark } from './check-mark.ts';
import type { DatabaseOptions } from './messages.ts';
import { damagedPages, PageSums } from './page-sums.ts';

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

/** "SBOX". */
const APPLICATION_ID = 0x53424f58;
const SYNCHRONOUS_FULL = 2;
/** How long a lock of another program is taken for a short one. Reads wait along. */
export const BUSY_TIMEOUT_MS = 1000;

export interface OpenDatabase {
  readonly database: SqliteDatabase.Database;
  readonly mark: MarkFile;
  readonly sums: PageSums;
}

/** Throws StoreError; and SQLite's own error, if another program holds a lock or the disk is full. */
export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const { file, logFolder } = options;
  const migrations = loadMigrations(join(options.sql, 'migrations'));
  const isNew = !existsSync(file);
  const damaged = options.isAccepted ? [] : damagedPages(file);
  inspect(options, migrations.length);
  if (damaged.length > 0) throw changedPages(file, damaged);
  // SQLite gives its side files the mode of this one.
  closeSync(openSync(file, 'a', 0o600));
  const sums = new PageSums(file);
  if (isNew || options.isAccepted) sums.give();
  const database = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    makeDurable(database);
    migrate(database, migrations);
    const mark = takeUpMark(logFolder, readOwn(database));
    sums.start(database);
    return { database, sums, mark };
  } catch (error) {
    // SQLite copies its log when it closes, and nobody writes the sums then.
    sums.give();
    database.close();
    sums.close();
    throw isDamage(error) ? corrupt(file, (error as Error).message) : error;
  }
}

/** Whether SQLite says that the file itself is damaged. */
function isDamage(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

function corrupt(file: string, found: string): StoreError {
  return new StoreError(
    'database-corrupt',
    `${file} is damaged: ${found}. Nothing was changed. Bring back a copy of the whole folder (docs/operations.md, "When ` +
      'a start is refused"), or move the file and its -wal away to begin anew, without keys and commands.',
  );
}

function changedPages(file: string, pages: readonly number[]): StoreError {
  return new StoreError(
    'database-corrupt',
    `${file} is damaged: ${pages.length} of its pages (the first is ${pages[0]}) are not as they were written. The disk ` +
      `changed them, or another program wrote to the file. ${wayOn(file, 'with the file as it is')}`,
  );
}

/** Looks, and changes nothing: a connection that may only read leaves the write-ahead log as it is when it closes. */
function inspect(options: DatabaseOptions, newest: number): void {
  const { file } = options;
  if (!existsSync(file)) {
    judgeMark(options, 'none');
    return;
  }
  const database = new SqliteDatabase(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const objects = database.prepare('SELECT count(*) FROM sqlite_master').pluck().get();
    if (objects !== 0) check(database, file, newest);
    judgeMark(options, objects === 0 ? 'none' : readOwn(database));
  } catch (error) {
    throw isDamage(error) ? corrupt(file, (error as Error).message) : error;
  } finally {
    database.close();
  }
}

function check(database: SqliteDatabase.Database, file: string, newest: number): void {
  if (readNumber(database, 'application_id') !== APPLICATION_ID) {
    throw corrupt(file, 'it is a database of another program');
  }
  const version = readNumber(database, 'user_version');
  if (version > newest) {
    throw new StoreError(
      'database-newer',
      `${file} was written by a newer Signalbox (schema ${version}, this one knows ${newest}). ` +
        'Install that version again, or restore a backup from before the upgrade.',
    );
  }
  const result = database.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') throw corrupt(file, String(result));
}

/** What the database says of itself. */
function readOwn(database: SqliteDatabase.Database): OwnMark {
  const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'mark'").get();
  if (!table) return 'unmarked';
  return (
    (database.prepare('SELECT identity, generation FROM mark').get() as OwnMark | undefined) ?? 'unmarked'
  );
}

/** better-sqlite3's default in WAL mode is NORMAL, which can lose commits at a power cut (docs/decisions/0006-database.md). */
function makeDurable(database: SqliteDatabase.Database): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  // page-sums.ts does that, and writes the sums.
  database.pragma('wal_autocheckpoint = 0');
  database.pragma('foreign_keys = ON');
  // A temporary file would need a descriptor and room on a disk that has neither.
  database.pragma('temp_store = MEMORY');
  const synchronous = readNumber(database, 'synchronous');
  if (synchronous === SYNCHRONOUS_FULL) return;
  throw new StoreError(
    'synchronous-off',
    `SQLite runs with synchronous=${synchronous} instead of ${SYNCHRONOUS_FULL} (FULL): nothing would be durable.`,
  );
}

function migrate(database: SqliteDatabase.Database, migrations: readonly Migration[]): void {
  for (const { version, sql } of migrations.slice(readNumber(database, 'user_version'))) {
    const run = database.transaction(() => {
      database.exec(sql);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${version}`);
    });
    run.immediate();
  }
}

function readNumber(database: SqliteDatabase.Database, pragma: string): number {
  return Number(database.pragma(pragma, { simple: true }));
}
