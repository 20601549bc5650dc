/**
 * Holds the database against the mark in the log folder (store/mark.ts): a database that is missing, another one, or
 * behind is refused, unless somebody said that it is to be taken as it is (store/consent.ts).
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { wayOn } from '../consent.ts';
import { segmentBase } from '../log/format.ts';
import { MARK_FILE, type Mark, MarkFile, readMark } from '../mark.ts';
import { StoreError, type StoreErrorCode } from '../ports.ts';
import type { DatabaseOptions } from './messages.ts';

/** `none`: there is no database. `unmarked`: it is from before there were marks. */
export type OwnMark = Mark | 'none' | 'unmarked';

/** Throws StoreError. Reads only. */
export function judgeMark(options: DatabaseOptions, own: OwnMark): void {
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
export function takeUpMark(logFolder: string, own: OwnMark): MarkFile {
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
