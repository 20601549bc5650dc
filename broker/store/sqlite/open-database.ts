/**
 * Opens the database file. Before anything is changed, refuses a file that is not ours, is damaged or newer, or does not
 * fit the mark in the log folder (store/mark.ts). Sets what makes a commit survive a power cut, checks that SQLite obeys,
 * and brings the schema up to date. `openInMemory` makes a database of the same schema that does not survive.
 */
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { wayOn } from '../consent.ts';
import { segmentBase } from '../log/format.ts';
import { MARK_FILE, type Mark, MarkFile, readMark } from '../mark.ts';
import { StoreError, type StoreErrorCode } from '../ports.ts';
import { damagedPages, PageSums } from './page-sums.ts';
import { loadMigrations, type Migration, SQL_FOLDER, statementsOf } from './statements.ts';

export interface DatabaseOptions {
  /** The database file; its folder exists. */
  readonly file: string;
  /** Of the telemetry log, which knows the database by its mark (store/mark.ts). */
  readonly logFolder: string;
  /** Somebody said that the database is to be taken as it is (store/consent.ts). */
  readonly isAccepted: boolean;
}

/** "SBOX". */
const APPLICATION_ID = 0x53424f58;
const MIGRATIONS = join(SQL_FOLDER, 'migrations');
const SYNCHRONOUS_FULL = 2;
/** How long a lock of another program is taken for a short one. Reads wait along. */
export const BUSY_TIMEOUT_MS = 1000;

export interface OpenDatabase {
  readonly database: SqliteDatabase.Database;
  readonly mark: MarkFile;
  readonly sums: PageSums;
}

/**
 * Rejects with StoreError; and with SQLite's own error, if another program holds a lock or the disk is full. `guard`: called
 * before SQLite may write to the file, and again before there are sums; see `CopyGuard` in database.ts.
 */
export async function openDatabase(
  options: DatabaseOptions,
  guard: () => Promise<void>,
): Promise<OpenDatabase> {
  const { file, logFolder } = options;
  const migrations = loadMigrations(MIGRATIONS);
  const isNew = !existsSync(file);
  const damaged = options.isAccepted ? [] : damagedPages(file);
  inspect(options, migrations.length);
  if (damaged.length > 0) throw changedPages(file, damaged);
  // SQLite gives its side files the mode of this one.
  closeSync(openSync(file, 'a', 0o600));
  const sums = new PageSums(file);
  if (isNew || options.isAccepted) sums.discard();
  let database: SqliteDatabase.Database | null = null;
  try {
    await guard();
    database = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
    makeDurable(database);
    migrate(database, migrations);
    const mark = adoptMark(logFolder, readOwn(database));
    // A new file has a log, which the guard can hold, only now.
    await guard();
    sums.start(database);
    return { database, sums, mark };
  } catch (error) {
    // SQLite copies its log when it closes, and nobody writes the sums then.
    if (database) sums.discard();
    database?.close();
    sums.close();
    throw isDamage(error) ? corrupt(file, (error as Error).message) : error;
  }
}

/** A new one, in the memory of this thread. */
export function openInMemory(): SqliteDatabase.Database {
  const database = new SqliteDatabase(':memory:');
  database.pragma('foreign_keys = ON');
  migrate(database, loadMigrations(MIGRATIONS));
  return database;
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
  return statementsOf(database)<Mark>('loadMark').get({}) ?? 'unmarked';
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

/** `none`: there is no database. `unmarked`: it is from before there were marks. */
type OwnMark = Mark | 'none' | 'unmarked';

/**
 * Holds the database against the mark: one that is missing, another one, or one that is behind is refused, unless somebody said
 * that it is to be taken as it is (store/consent.ts). Throws StoreError. Reads only.
 */
function judgeMark(options: DatabaseOptions, own: OwnMark): void {
  if (options.isAccepted) return;
  const { file, logFolder } = options;
  const path = join(logFolder, MARK_FILE);
  const refused = (code: StoreErrorCode, found: string, without = 'without what was lost') =>
    new StoreError(code, `${found} ${wayOn(file, without)}`);
  const mark = readMark(logFolder);
  const hasLog = holdsSegments(logFolder);
  if (own === 'none') {
    if (mark === 'none' && !hasLog) return;
    const found = `${file} is missing or holds nothing, but there is a telemetry log in ${logFolder}.`;
    throw refused('database-missing', found, 'with a new database, without keys, commands and documents');
  }
  if (mark === 'damaged') {
    throw refused('database-behind', `${path} is damaged, so it cannot say whether ${file} is whole.`);
  }
  if (own === 'unmarked') {
    if (mark === 'none') return;
    throw refused('database-foreign', `${file} is older than the log: ${path} names a later database.`);
  }
  if (mark === 'none') {
    if (own.generation === 0 || !hasLog) return;
    throw refused('database-behind', `${path} is missing, so nobody can say whether ${file} is whole.`);
  }
  if (mark.identity !== own.identity) {
    const found = `${file} belongs to another log: it is ${own.identity}, and ${path} names ${mark.identity}.`;
    throw refused('database-foreign', found);
  }
  if (mark.generation > own.generation) {
    const found =
      `${file} with ${file}-wal has lost rows that were stored (keys, commands, documents): ` +
      `it holds ${own.generation} changes of ${mark.generation} that ${path} counted.`;
    throw refused('database-behind', found);
  }
}

/** The mark of this database, to be raised from now on; made if there is none, or another's that may be given up. */
function adoptMark(logFolder: string, own: OwnMark): MarkFile {
  if (own === 'none' || own === 'unmarked') throw new Error('the database has no mark after its migrations');
  const mark = readMark(logFolder);
  const isOurs = typeof mark === 'object' && mark.identity === own.identity;
  if (!isOurs || mark.generation > own.generation) return MarkFile.create(logFolder, own);
  const file = MarkFile.open(logFolder, mark);
  // The process before this one ended between a commit and its mark.
  if (mark.generation < own.generation) file.raise(own.generation);
  return file;
}

function holdsSegments(logFolder: string): boolean {
  return existsSync(logFolder) && readdirSync(logFolder).some((name) => segmentBase(name) !== null);
}
