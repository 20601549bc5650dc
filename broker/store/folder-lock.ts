/**
 * One process to a data folder. Owns the lock: an exclusive transaction on an SQLite file, which the kernel releases
 * however the process ends. Nobody else may open that file: closing it would release the lock (POSIX).
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { makeFolder } from './folders.ts';
import { StoreError } from './ports.ts';

export class FolderLock {
  private readonly folder: string;
  private held: SqliteDatabase.Database | null = null;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes the folder if it is missing. Throws `locked`. */
  acquire(): void {
    makeFolder(this.folder);
    const file = join(this.folder, 'lock');
    writeFileSync(file, '', { flag: 'a', mode: 0o600 });
    const database = new SqliteDatabase(file, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      throw this.refused(error);
    }
    this.held = database;
    writeFileSync(this.pidFile, `${process.pid}\n`, { mode: 0o600 });
  }

  /** Idempotent. */
  release(): void {
    if (!this.held) return;
    rmSync(this.pidFile, { force: true });
    this.held.close();
    this.held = null;
  }

  private get pidFile(): string {
    return join(this.folder, 'lock.pid');
  }

  private refused(error: unknown): unknown {
    if (!(error instanceof SqliteDatabase.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) return error;
    return new StoreError(
      'locked',
      `The data folder ${this.folder} is in use by another broker (process ${this.holder()}). ` +
        'Stop it first, or use another folder.',
    );
  }

  /** For the message only: the pid is written just after the lock is taken. */
  private holder(): string {
    try {
      return readFileSync(this.pidFile, 'utf8').trim();
    } catch {
      return 'unknown';
    }
  }
}
