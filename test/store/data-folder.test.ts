/** The data folder at start: who may open it, and what is refused instead of being overwritten. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FolderLock } from '../../broker/store/open.ts';
import { positionOf } from '../../broker/store/position.ts';
import { type DatabaseOptions, openDatabase } from '../../broker/store/sqlite/open-database.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { prepareStores, startStores } from './harness.ts';

const ROOT = join(import.meta.dirname, '../..');

function optionsIn(folder: string): DatabaseOptions {
  const file = join(folder, 'signalbox.db');
  return { file, logFolder: join(folder, 'log'), isAccepted: false };
}

const noGuard = async () => {};

/** Another process that holds the folder; resolves when it does. */
async function otherProcess(folder: string): Promise<ChildProcess> {
  const script = `
    const { FolderLock } = await import('${join(ROOT, 'dist/broker/store/open.js')}');
    // Kept: the lock goes with the object.
    globalThis.lock = new FolderLock(process.argv[1]);
    lock.acquire();
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  expect(line).toBe('held');
  return child;
}

describe('the lock', () => {
  it('refuses a second process and names the first, also after kill -9 only as long as it lives', async () => {
    const folder = temporaryFolder();
    const other = await otherProcess(folder);
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`process ${other.pid}`),
    });
    other.kill('SIGKILL');
    await once(other, 'exit');
    await startStores({ folder });
  });

  it('is released by stop, and by a start that failed', async () => {
    const { stores, folder } = await startStores();
    expect(() => new FolderLock(folder).acquire()).toThrow(`process ${process.pid}`);
    await stores.stop();
    writeFileSync(
      join(folder, 'signalbox.db'),
      'this is not a database, and long enough to be read as one'.repeat(20),
    );
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-corrupt',
    });
    const lock = new FolderLock(folder);
    lock.acquire();
    lock.release();
  });

  it('keeps the folder and its files from other users', async () => {
    const folder = join(temporaryFolder(), 'data');
    const { stores } = await startStores({ folder });
    await stores.database.setCheckpointPosition(positionOf(0));
    const mode = (name: string) => statSync(join(folder, name)).mode & 0o777;
    expect(mode('.')).toBe(0o700);
    for (const name of ['lock', 'lock.pid', 'signalbox.db', 'signalbox.db-wal', 'log/0000000000000000.log']) {
      expect(mode(name), name).toBe(0o600);
    }
  });
});

describe('the database', () => {
  it('is refused when it is not a database, and not overwritten', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'signalbox.db');
    const text = 'this is not a database, and long enough to be read as one'.repeat(20);
    writeFileSync(file, text);
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-corrupt',
      message: expect.stringMatching(/signalbox\.db is damaged.*copy of the whole folder.*move the file/),
    });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('is refused when a page is damaged, and not overwritten', async () => {
    const { stores, folder } = await startStores();
    const body = Buffer.alloc(500, 1);
    const rows = Array.from({ length: 500 }, (_, n) => ({
      customer: 'acme',
      device: `d${n}`,
      position: positionOf(1),
      body,
    }));
    await stores.database.saveDevices(rows);
    await stores.stop();
    const file = join(folder, 'signalbox.db');
    const damaged = readFileSync(file);
    damaged.fill(0xff, 8 * 4096, 20 * 4096);
    writeFileSync(file, damaged);
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-corrupt',
    });
    expect(readFileSync(file).equals(damaged)).toBe(true);
  });

  it('is refused when it is another program’s', async () => {
    const folder = temporaryFolder();
    const other = new SqliteDatabase(join(folder, 'signalbox.db'));
    other.exec('CREATE TABLE songs (title TEXT)');
    other.close();
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-corrupt',
      message: expect.stringContaining('another program'),
    });
  });

  it('is refused when a newer version wrote it', async () => {
    const { stores, folder } = await startStores();
    await stores.stop();
    const newer = new SqliteDatabase(join(folder, 'signalbox.db'));
    newer.pragma('user_version = 999');
    newer.close();
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-newer',
      message: expect.stringContaining('schema 999'),
    });
  });

  it('commits with synchronous=FULL in WAL mode', async () => {
    const { database, mark, sums } = await openDatabase(optionsIn(temporaryFolder()), noGuard);
    mark.close();
    onTestFinished(() => sums.close());
    expect(database.pragma('synchronous', { simple: true })).toBe(2);
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.pragma('foreign_keys', { simple: true })).toBe(1);
    database.close();
  });

  it('is brought up to date once: opening it again changes nothing', async () => {
    const options = optionsIn(temporaryFolder());
    const schema = async () => {
      const { database, mark, sums } = await openDatabase(options, noGuard);
      mark.close();
      sums.finish();
      const found = database.prepare('SELECT name, sql FROM sqlite_master ORDER BY name').all();
      const version = database.pragma('user_version', { simple: true });
      database.close();
      sums.close();
      return { found, version };
    };
    const first = await schema();
    expect(first.version).toBeGreaterThan(0);
    expect(await schema()).toEqual(first);
  });

  it.each([
    ['by itself', 'process.exit(0);'],
    ['by an error that nobody caught', "throw new Error('nobody catches this');"],
  ])('is whole after a process that ended in the middle, %s', async (_, end) => {
    const folder = temporaryFolder();
    const script = `
      const { openStores } = await import('${join(ROOT, 'dist/broker/store/open.js')}');
      const clock = { now: Date.now, monotonic: Date.now, after: () => ({ cancel() {} }), every: () => ({ cancel() {} }) };
      const log = { segmentBytes: 1e6, retentionBytes: 1e9, retentionAgeMs: 1e9, recentBytes: 1e6 };
      const stores = openStores({ engine: 'files', folder: process.argv[2], log, clock, logger: {} });
      await stores.start();
      await stores.database.saveDevices([{ customer: 'acme', device: 'pump', position: 0, body: new Uint8Array(1) }]);
      console.log('stored');
      ${end}`;
    // A file: the threads would inherit what says that it is no file.
    const file = join(temporaryFolder(), 'ends.mjs');
    writeFileSync(file, script);
    const child = spawn(process.execPath, [file, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'close');
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    expect(line).toBe('stored');
    await ended;
    const { stores } = await startStores({ folder });
    const pages = [];
    for await (const page of everyPage(stores.database.loadDevices)) pages.push(...page);
    expect(pages).toMatchObject([{ device: 'pump' }]);
  });

  it('finds everything again after a restart', async () => {
    const { stores, folder } = await startStores();
    await stores.database.saveDevices([
      { customer: 'acme', device: 'pump', position: positionOf(0), body: Buffer.from('x') },
    ]);
    await stores.database.setCheckpointPosition(positionOf(0));
    await stores.stop();
    const again = await startStores({ folder });
    const pages = [];
    for await (const page of everyPage(again.stores.database.loadDevices)) pages.push(...page);
    expect(pages).toMatchObject([{ customer: 'acme', device: 'pump', position: 0 }]);
  });
});
