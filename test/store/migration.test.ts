/** An upgrade: a database of an older version keeps what it holds and gets what is new. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
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
  for (const [id, device, revoked, used] of KEYS) {
    database
      .prepare("INSERT INTO keys VALUES (?, zeroblob(32), 'acme', ?, 'device', NULL, 7, NULL, ?, ?)")
      .run(id, device, revoked, used);
  }
  database.close();
}

/** [id, device, revoked at, last used at] */
const KEYS = [
  ['fresh', 'new', null, null],
  ['again', 'new', null, null],
  ['used', 'pump', null, 9],
  ['revoked', 'never', 8, null],
  ['fleet', null, null, null],
] as const;

describe('a data folder of the first version', () => {
  it('keeps its devices and cursors, and takes commands', async () => {
    const folder = temporaryFolder();
    firstVersion(folder);
    const { stores } = await startStores({ folder });
    const devices: string[] = [];
    for await (const page of stores.database.loadDevices()) devices.push(...page.map(({ device }) => device));
    expect(devices).toEqual(['pump']);
    expect(await stores.database.loadCursors()).toEqual({ mqtt: 42 });
    const registered: unknown[] = [];
    for await (const page of stores.database.loadRegistered()) registered.push(...page);
    const blank = { label: null, tags: [], notes: null };
    expect(registered).toEqual([{ customer: 'acme', device: 'new', registeredAt: 7, ...blank }]);
    expect(await stores.database.lastCommandNumber()).toBe(0);
    await stores.database.saveCommands([
      {
        customer: 'acme',
        device: 'pump',
        id: 'c1',
        number: 1,
        status: 'queued',
        createdAt: 1000,
        endedAt: null,
        job: null,
        position: 0,
        body: new Uint8Array([1]),
      },
    ]);
    expect(await stores.database.findCommands('acme', 'c1')).toMatchObject([{ number: 1, device: 'pump' }]);
  });
});
