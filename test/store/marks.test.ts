/**
 * A database that lost rows which were stored is noticed at start, whatever SQLite makes of its files; nothing is changed
 * then, and the refusal says how to go on.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MarkFile, readMark } from '../../broker/store/mark.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { payload, prepareStores, startStores } from './harness.ts';
import { copyOf, databaseFiles, flip, isWhole, killedFolder } from './killed-folder.ts';

const FLIPS = 40;

/** Park and Miller's generator: the same bits in each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** What a start makes of the folder: `whole`, `lost` (silently), or the code of its refusal. */
async function outcomeOf(folder: string): Promise<string> {
  const { stores } = prepareStores({ folder });
  try {
    await stores.start();
    return (await isWhole(stores)) ? 'whole' : 'lost';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await stores.stop();
  }
}

function touch(folder: string): string {
  const file = join(folder, 'accept-database');
  writeFileSync(file, '');
  return file;
}

describe('keys and commands that were stored, after a kill', () => {
  it('are whole or the start is refused, wherever a bit of the write-ahead log is turned', async () => {
    const killed = await killedFolder({ state: 20 });
    expect(await outcomeOf(copyOf(killed))).toBe('whole');
    const next = random(7);
    const outcomes: Record<string, number> = {};
    for (let round = 0; round < FLIPS; round += 1) {
      const folder = copyOf(killed);
      const wal = join(folder, 'signalbox.db-wal');
      flip(wal, Math.floor(next() * statSync(wal).size * 8));
      const outcome = await outcomeOf(folder);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    expect(outcomes.lost).toBeUndefined();
    expect(outcomes['database-behind']).toBeGreaterThan(FLIPS / 2);
    expect(Object.keys(outcomes).filter((one) => !/^(whole|database-\w+)$/.test(one))).toEqual([]);
  }, 60_000);

  it('are not taken for whole when the write-ahead log is cut or gone', async () => {
    const killed = await killedFolder();
    for (const damage of [(wal: string) => truncateSync(wal, 40_000), (wal: string) => rmSync(wal)]) {
      const folder = copyOf(killed);
      damage(join(folder, 'signalbox.db-wal'));
      // The index of a log that is not there: SQLite makes it anew.
      rmSync(join(folder, 'signalbox.db-shm'), { force: true });
      expect(await outcomeOf(folder)).toBe('database-behind');
    }
  });

  it('leave the files as they are when the start is refused, and come back once the right file is there', async () => {
    const folder = await killedFolder();
    const wal = join(folder, 'signalbox.db-wal');
    const right = readFileSync(wal);
    flip(wal, 50_000);
    const before = databaseFiles(folder);
    expect(await outcomeOf(folder)).toBe('database-behind');
    expect(databaseFiles(folder)).toEqual(before);
    writeFileSync(wal, right);
    expect(await outcomeOf(folder)).toBe('whole');
  });

  it('are given up only when somebody says so, once', async () => {
    const folder = await killedFolder();
    flip(join(folder, 'signalbox.db-wal'), 50_000);
    await expect(prepareStores({ folder }).stores.start()).rejects.toThrow(
      /signalbox\.db-wal has lost rows.*it holds \d+ changes of 60.*operations\.md.*touch .*accept-database, and start again/,
    );
    const consent = touch(folder);
    expect(await outcomeOf(folder)).toBe('lost');
    expect(existsSync(consent)).toBe(false);
    expect(await outcomeOf(folder)).toBe('lost');
  });
});

describe('state that the log holds too', () => {
  it('may be lost from the write-ahead log: it is replayed, and nothing is refused', async () => {
    const folder = await killedFolder({ state: 20 });
    const wal = join(folder, 'signalbox.db-wal');
    flip(wal, (statSync(wal).size - 2000) * 8);
    expect(await outcomeOf(folder)).toBe('whole');
  });
});

describe('a log folder', () => {
  it('refuses a start without its database, and takes none for it', async () => {
    const folder = await killedFolder();
    for (const name of ['signalbox.db', 'signalbox.db-wal', 'signalbox.db-shm']) rmSync(join(folder, name));
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-missing',
      message: expect.stringMatching(/signalbox\.db is missing or.*accept-database/),
    });
    expect(existsSync(join(folder, 'signalbox.db'))).toBe(false);
    // As an older version left it, or somebody who removed the mark.
    rmSync(join(folder, 'log/database.mark'));
    expect(await outcomeOf(folder)).toBe('database-missing');
    writeFileSync(join(folder, 'signalbox.db'), '');
    expect(await outcomeOf(folder)).toBe('database-missing');
    touch(folder);
    expect(await outcomeOf(folder)).toBe('lost');
  });

  it('refuses the database of another broker, and an older copy of its own', async () => {
    const folder = await killedFolder();
    const other = await startStores();
    await other.stores.stop();
    const { stores } = await startStores({ folder: copyOf(other.folder) });
    await stores.stop();
    for (const name of ['signalbox.db-wal', 'signalbox.db-shm']) rmSync(join(folder, name));
    writeFileSync(join(folder, 'signalbox.db'), readFileSync(join(other.folder, 'signalbox.db')));
    expect(await outcomeOf(folder)).toBe('database-foreign');

    const { stores: later, folder: own } = await startStores();
    await later.stop();
    const old = readFileSync(join(own, 'signalbox.db'));
    const again = await startStores({ folder: own });
    await again.stores.log.append(payload('a frame'));
    await again.stores.database.deleteBrowserSessions([]);
    await again.stores.stop();
    writeFileSync(join(own, 'signalbox.db'), old);
    expect(await outcomeOf(own)).toBe('database-behind');
  });

  it('is refused when it begins after what the database stands for', async () => {
    const { stores, folder } = await startStores({ log: { segmentBytes: 65536 } });
    for (const text of ['a', 'b', 'c']) await stores.log.append(payload(text, 70_000));
    await stores.database.setCheckpointPosition(10);
    await stores.stop();
    rmSync(join(folder, 'log/0000000000000000.log'));
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-behind',
      message: expect.stringContaining('position 10, but the log begins at 70016'),
    });
  });

  it('needs its mark once there is something to mark, and a damaged mark is refused', async () => {
    const folder = await killedFolder();
    const mark = join(folder, 'log/database.mark');
    const right = readFileSync(mark);
    rmSync(mark);
    expect(await outcomeOf(folder)).toBe('database-behind');
    writeFileSync(mark, Buffer.alloc(right.length));
    expect(await outcomeOf(folder)).toBe('database-behind');
    writeFileSync(mark, right);
    expect(await outcomeOf(folder)).toBe('whole');
  });
});

describe('a data folder from before there were marks', () => {
  it('is taken as it is, and marked from then on', async () => {
    const { stores, folder } = await startStores();
    await stores.log.append(payload('a frame'));
    await stores.stop();
    const older = new SqliteDatabase(join(folder, 'signalbox.db'));
    older.exec('DROP TABLE mark');
    older.pragma('user_version = 4');
    older.close();
    rmSync(join(folder, 'log/database.mark'));
    const again = await startStores({ folder });
    expect(readMark(join(folder, 'log'))).toMatchObject({ generation: 0 });
    await again.stores.database.deleteBrowserSessions([]);
    expect(readMark(join(folder, 'log'))).toMatchObject({ generation: 1 });
  });
});

describe('the mark', () => {
  it('is never ahead of the database: a kill between the two is no loss', async () => {
    const { stores, folder } = await startStores();
    await stores.database.deleteBrowserSessions([]);
    const mark = readFileSync(join(folder, 'log/database.mark'));
    await stores.database.deleteBrowserSessions([]);
    await stores.stop();
    writeFileSync(join(folder, 'log/database.mark'), mark);
    await startStores({ folder });
    expect(readMark(join(folder, 'log'))).toMatchObject({ generation: 2 });
  });

  it('survives a torn write of either slot with the one before', () => {
    const folder = join(temporaryFolder(), 'log');
    mkdirSync(folder);
    const identity = '0123456789abcdef'.repeat(2);
    const file = MarkFile.create(folder, { identity, generation: 4 });
    for (const generation of [5, 6, 7]) {
      file.raise(generation);
      const bytes = readFileSync(join(folder, 'database.mark'));
      bytes.fill(0, (generation % 2) * 512 + 20, (generation % 2) * 512 + 400);
      const torn = temporaryFolder();
      writeFileSync(join(torn, 'database.mark'), bytes);
      expect(readMark(torn)).toEqual({ identity, generation: generation - 1 });
    }
    file.close();
  });
});
