/**
 * Opens the database file: refuses what is not ours, damaged or newer, before anything is changed; sets what makes a
 * commit survive a power cut, and checks that it took; brings the schema up to date.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { StoreError } from '../ports.ts';
import type { DatabaseOptions } from './messages.ts';
import { loadMigrations, type Migration } from './sql.ts';

/** "SBOX". */
const APPLICATION_ID = 0x53424f58;
const SYNCHRONOUS_FULL = 2;
const BUSY_TIMEOUT_MS = 5000;

/** Throws `database-corrupt`, `database-newer` or `synchronous-off`. */
export function openDatabase(options: DatabaseOptions): SqliteDatabase.Database {
  const migrations = loadMigrations(join(options.sql, 'migrations'));
  // SQLite gives its side files the mode of this one.
  closeSync(openSync(options.file, 'a', 0o600));
  const database = new SqliteDatabase(options.file, { timeout: BUSY_TIMEOUT_MS });
  try {
    check(database, options.file, migrations.length);
    makeDurable(database);
    migrate(database, migrations);
  } catch (error) {
    database.close();
    throw isDamage(error) ? corrupt(options.file, (error as Error).message) : error;
  }
  return database;
}

/** Whether SQLite says that the file itself is damaged. */
export function isDamage(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

export function corrupt(file: string, found: string): StoreError {
  return new StoreError(
    'database-corrupt',
    `${file} is damaged: ${found}. Nothing was changed. Put back a copy of the whole data folder, ` +
      'or move the file away to begin anew, without keys and last-known state.',
  );
}

function check(database: SqliteDatabase.Database, file: string, newest: number): void {
  const objects = database.prepare('SELECT count(*) FROM sqlite_master').pluck().get();
  if (objects === 0) return;
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

/** better-sqlite3's default in WAL mode is NORMAL, which can lose commits at a power cut (docs/decisions/0006-database.md). */
function makeDurable(database: SqliteDatabase.Database): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
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
