/** A data folder as a kill leaves it, with keys and commands that were stored, to be damaged by a test. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import SqliteDatabase from 'better-sqlite3';
import type { CommandRow } from '../../broker/store/command-ports.ts';
import type { KeyRow, Stores } from '../../broker/store/ports.ts';
import { START } from '../../broker/store/position.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { payload, startStores } from './harness.ts';

export const KEYS = 30;
export const COMMANDS = 30;

export function someKey(number: number): KeyRow {
  const id = `key${String(number).padStart(5, '0')}`;
  const rest = {
    label: `of pump ${number}`,
    createdAt: number,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
  };
  return {
    id,
    hash: new Uint8Array(32).fill(number),
    customer: 'acme',
    device: null,
    role: 'device',
    ...rest,
  };
}

export function someCommand(number: number): CommandRow {
  const rest = { status: 'queued', createdAt: number, endedAt: null, job: null, position: START };
  const body = new Uint8Array(200).fill(number);
  return { customer: 'acme', device: 'pump', id: `c${number}`, number, body, ...rest };
}

/** Everything in it was stored before whoever asked was answered. `state`: device rows, which the log holds too. */
export async function killedFolder({ state = 0 } = {}): Promise<string> {
  const { stores, folder } = await startStores();
  await stores.log.append(payload('a frame'));
  for (let number = 1; number <= KEYS; number += 1) await stores.database.insertKey(someKey(number));
  for (let number = 1; number <= COMMANDS; number += 1) {
    await stores.database.saveCommands([someCommand(number)]);
  }
  for (let number = 1; number <= state; number += 1) {
    const row = { customer: 'acme', device: `pump-${number}`, position: START, body: new Uint8Array(100) };
    await stores.database.saveDevices([row]);
  }
  const copy = copyOf(folder);
  await stores.stop();
  return copy;
}

/** By another process: to open and close a database's files in this one would release its locks (POSIX). */
export function copyOf(folder: string): string {
  const copy = join(temporaryFolder(), 'data');
  const { status, stderr } = spawnSync('cp', ['-a', folder, copy], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return copy;
}

/** Turns one bit of the file over. */
export function flip(file: string, bit: number): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, bit >> 3);
  byte[0] = (byte[0] as number) ^ (1 << (bit & 7));
  writeSync(descriptor, byte, 0, 1, bit >> 3);
  closeSync(descriptor);
}

/** Whether all that `killedFolder` stored is there as it was. */
export async function isWhole(stores: Stores): Promise<boolean> {
  const commands: CommandRow[] = [];
  for await (const page of everyPage(stores.database.loadOpenCommands)) commands.push(...page);
  const found = [await stores.database.loadKeys(), commands];
  return isDeepStrictEqual(found, [allKeys, allCommands]);
}

const count = (length: number) => Array.from({ length }, (_, index) => index + 1);
const allKeys = count(KEYS).map(someKey);
const allCommands = count(COMMANDS).map(someCommand);

/** The names and contents of the database's files. */
export function databaseFiles(folder: string): Readonly<Record<string, string>> {
  const read = (name: string) => readFileSync(join(folder, name)).toString('base64');
  return { database: read('signalbox.db'), wal: read('signalbox.db-wal'), mark: read('log/database.mark') };
}

const MIGRATIONS = join(import.meta.dirname, '../../schemas/sql/migrations');
/** The last before there were marks. */
const UNMARKED = 4;

/** The database as a version from before there were marks leaves it, in the place of the one that is there. */
export function olderDatabase(folder: string): void {
  for (const name of ['signalbox.db', 'signalbox.db-sums', 'log/database.mark']) {
    rmSync(join(folder, name), { force: true });
  }
  const database = new SqliteDatabase(join(folder, 'signalbox.db'));
  for (const name of readdirSync(MIGRATIONS).sort().slice(0, UNMARKED)) {
    database.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
  }
  database.pragma(`application_id = ${0x53424f58}`);
  database.pragma(`user_version = ${UNMARKED}`);
  database.close();
}
