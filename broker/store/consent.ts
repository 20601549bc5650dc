/**
 * The consent of the person who runs the server to a database as it is, although rows were lost or changed: an empty file
 * in the data folder, which counts for one start. Also writes the refusals that tell of this way on.
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '../base/logger.ts';
import { StoreError } from './ports.ts';

const CONSENT_FILE = 'accept-database';

export class Consent {
  private readonly path: string;
  private readonly logger: Logger;

  constructor(folder: string, logger: Logger) {
    this.path = join(folder, CONSENT_FILE);
    this.logger = logger;
  }

  get given(): boolean {
    return existsSync(this.path);
  }

  use(): void {
    if (!this.given) return;
    rmSync(this.path);
    this.logger.warn(
      { file: this.path },
      'The database was taken as it is, because this file asked for it; it is gone now.',
    );
  }
}

/** The way on that a refusal tells: `database`: its path. */
export function wayOn(database: string, without: string): string {
  const folder = dirname(database);
  return (
    `Nothing was changed. Bring back a copy of the whole folder ${folder} (docs/operations.md, "When a start is refused"), ` +
    `or, to go on ${without}: touch ${join(folder, CONSENT_FILE)}, and start again.`
  );
}

/** Of a database that SQLite reads and the broker does not: one whose pages were taken as they are may hold such rows. */
export function unreadableRows(folder: string, cause: unknown): StoreError {
  const file = join(folder, 'signalbox.db');
  return new StoreError(
    'database-corrupt',
    `${file} holds something that cannot be read: ${(cause as Error).message}. Bring back a copy of the whole folder ${folder} ` +
      '(docs/operations.md, "When a start is refused"), or, to go on with a new database, without keys, commands and documents: ' +
      `move ${file}, ${file}-wal and ${file}-shm away, touch ${join(folder, CONSENT_FILE)}, and start again.`,
    { cause },
  );
}
