/** An upgrade: a database of an older version keeps what it holds and gets what is new. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { loadStatements } from '../../broker/store/sqlite/sql.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startStores } from './harness.ts';

const SQL = join(import.meta.dirname, '../../schemas/sql');
const APPLICATION_ID = 0x53424f58;

function firstVersion(folder: string): void {
  const database = new SqliteDatabase(join(folder, 'signalbox.db'));
  database.exec(readFileSync(join(SQL, 'migrations/001-first.sql'), 'utf8'));
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma('user_version = 1');
  database.exec("INSERT INTO devices VALUES ('acme', 'pump', 5, x'61')");
  database.exec("INSERT INTO cursors VALUES ('mqtt', 42)");
  database.close();
}

describe('a data folder of the first version', () => {
  it('keeps its devices and cursors, and takes commands', async () => {
    const folder = temporaryFolder();
    firstVersion(folder);
    const { stores } = await startStores({ folder });
    const devices: string[] = [];
    for await (const page of stores.database.loadDevices()) devices.push(...page.map(({ device }) => device));
    expect(devices).toEqual(['pump']);
    expect(await stores.database.loadCursors()).toEqual({ mqtt: 42 });
    expect(await stores.database.lastCommandNumber()).toBe(0);
  });
});

describe('what operators ask for all the time', () => {
  it.each([
    ['listCommandsOfDevice', 'commands_of_device'],
    ['listCommandsOfJob', 'commands_of_job'],
    ['loadOpenCommands', 'commands_open'],
    ['listAuditOfCustomer', 'audit_of_customer'],
    ['settleAudit', 'audit_unsettled'],
    ['deleteEndedCommands', 'commands_ended'],
  ])('%s walks the index %s', (name, index) => {
    const database = new SqliteDatabase(':memory:');
    for (const file of ['001-first.sql', '002-commands.sql']) {
      database.exec(readFileSync(join(SQL, 'migrations', file), 'utf8'));
    }
    const sql = loadStatements(SQL).get(name) ?? '';
    const names = [...sql.matchAll(/:(\w+)/g)].map(([, parameter]) => [parameter, null]);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(Object.fromEntries(names));
    expect(JSON.stringify(plan)).toContain(index);
    database.close();
  });
});
