/** Another program that holds signalbox.db: what writes waits and says so, what reads is answered, telemetry goes on. */
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { payload, prepareStores, startStores } from './harness.ts';
import { olderDatabase, someKey } from './killed-folder.ts';

/** A write lock on the database, as the sqlite3 shell takes it with BEGIN IMMEDIATE. */
function lock(folder: string): { release(): void } {
  const other = new SqliteDatabase(join(folder, 'signalbox.db'));
  other.exec('BEGIN IMMEDIATE');
  onTestFinished(() => void other.close());
  return { release: () => void other.exec('ROLLBACK') };
}

it('is waited for: writes queue, reads and the log go on, and the log says which and how long', async () => {
  const { stores, folder, clock, lines } = await startStores();
  const { database } = stores;
  const met = new Promise<void>((resolve) => stores.onObstacle(resolve));
  const other = lock(folder);
  const stored = [database.insertKey(someKey(1)), database.insertKey(someKey(2))];
  await met;
  expect(stores.obstacles).toMatchObject({ database: 'database-locked', log: null });
  expect(await database.loadKeys()).toEqual([]);
  await stores.log.append(payload('a frame'));
  clock.advance(12_000);
  other.release();
  await Promise.all(stored);
  expect((await database.loadKeys()).map(({ id }) => id)).toEqual(['key00001', 'key00002']);
  expect(stores.obstacles.database).toBeNull();
  expect(lines.map(({ message }) => message)).toEqual([
    'Another program holds a lock on signalbox.db: the database waits, and goes on by itself when that is over.',
    'Another program holds a lock on signalbox.db: the database has waited for 5 s.',
    'Another program holds a lock on signalbox.db: the database has waited for 10 s.',
    'The database goes on after 12 s.',
  ]);
});

it('does not keep a stop waiting', async () => {
  const { stores, folder } = await startStores();
  const met = new Promise<void>((resolve) => stores.onObstacle(resolve));
  lock(folder);
  const rejected = expect(stores.database.insertKey(someKey(1))).rejects.toMatchObject({ code: 'stopped' });
  await met;
  await stores.stop();
  await rejected;
});

it('does not keep a stop waiting for the cursor of a reader, which lags then', async () => {
  const { stores, folder } = await startStores();
  const reader = await stores.log.reader('mqtt', 'first');
  const { end } = await stores.log.append(payload('a frame'));
  await reader.next(1000);
  const met = new Promise<void>((resolve) => stores.onObstacle(resolve));
  lock(folder);
  const rejected = expect(stores.database.insertKey(someKey(1))).rejects.toMatchObject({ code: 'stopped' });
  await met;
  reader.advance(end);
  await stores.stop();
  await rejected;
});

it('is waited for at a start that has something to write', async () => {
  const { stores, folder } = await startStores();
  await stores.stop();
  olderDatabase(folder);
  const other = lock(folder);
  const again = prepareStores({ folder }).stores;
  const met = new Promise<void>((resolve) => again.onObstacle(resolve));
  const started = again.start();
  await met;
  other.release();
  await started;
  expect(again.obstacles.database).toBeNull();
});
