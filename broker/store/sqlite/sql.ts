/** Reads the SQL that lives in `schemas/sql`: named statements, and migrations in the order of their numbers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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
