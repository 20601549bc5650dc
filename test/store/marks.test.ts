/**
 * A database that lost rows which were stored is noticed at start, whatever SQLite makes of its files; nothing is changed
 * then, and the refusal says how to go on.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MarkFile, readMark } from '../../broker/store/mark.ts';
import { positionOf } from '../../broker/store/position.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { payload, prepareStores, startStores } from './harness.ts';
import {
  copyOf,
  databaseFiles,
  flip,
  isWhole,
  killedFolder,
  olderDatabase,
  someCommand,
  someKey,
} from './killed-folder.ts';

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

function generationOf(folder: string): number {
  const mark = readMark(join(folder, 'log'));
  if (typeof mark === 'string') throw new Error(`the mark is ${mark}`);
  return mark.generation;
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
  });

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
      /signalbox\.db-wal has lost rows.*it holds \d+ changes of \d+.*operations\.md.*touch .*accept-database, and start again/,
    );
    const consent = touch(folder);
    expect(await outcomeOf(folder)).toBe('lost');
    expect(existsSync(consent)).toBe(false);
    expect(await outcomeOf(folder)).toBe('lost');
  });
});

describe('the database file', () => {
  it('is refused wherever a bit of it is turned, unless the write-ahead log has that page', async () => {
    const killed = await killedFolder();
    const stopped = copyOf(killed);
    const { stores } = await startStores({ folder: stopped });
    await stores.stop();
    const next = random(3);
    for (const [left, expected] of [
      [stopped, /^database-/],
      [killed, /^(database-|whole$)/],
    ] as const) {
      const outcomes = new Set<string>();
      for (let round = 0; round < FLIPS / 2; round += 1) {
        const folder = copyOf(left);
        const file = join(folder, 'signalbox.db');
        flip(file, Math.floor(next() * statSync(file).size * 8));
        outcomes.add(await outcomeOf(folder));
      }
      expect([...outcomes].filter((one) => !expected.test(one))).toEqual([]);
    }
  });

  it('that another program changed is refused, and taken when somebody says so', async () => {
    const { stores, folder } = await startStores();
    await stores.database.insertKey(someKey(1));
    await stores.stop();
    const other = new SqliteDatabase(join(folder, 'signalbox.db'));
    other.exec("UPDATE keys SET revoked_at = 5 WHERE id = 'key00001'");
    other.close();
    await expect(prepareStores({ folder }).stores.start()).rejects.toThrow(
      /of its pages.*another program wrote.*accept-database/,
    );
    touch(folder);
    const again = await startStores({ folder });
    expect(await again.stores.database.loadKeys()).toMatchObject([{ revokedAt: 5 }]);
    await again.stores.stop();
    await startStores({ folder });
  });

  it('has its sums through many checkpoints, a kill after any of them, and while another program reads', async () => {
    const { stores, folder } = await startStores();
    const reader = new SqliteDatabase(join(folder, 'signalbox.db'), { readonly: true });
    for (let round = 1; round <= 12; round += 1) {
      // Holds the log as it is for some rounds, so that it cannot be begun anew.
      if (round === 4) reader.exec('BEGIN; SELECT count(*) FROM keys');
      if (round === 8) reader.exec('COMMIT');
      const rows = Array.from({ length: 300 }, (_, index) => someCommand(round * 300 + index));
      await stores.database.saveCommands(rows.map((row) => ({ ...row, body: new Uint8Array(4000) })));
      // Answered once the checkpoint of the call before is over.
      await stores.database.loadKeys();
      const { stores: killed } = await startStores({ folder: copyOf(folder) });
      expect(await killed.database.lastCommandNumber()).toBe(round * 300 + 299);
      await killed.stop();
    }
    reader.close();
    await stores.stop();
    await startStores({ folder });
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
    for (const name of ['-wal', '-shm', '-sums']) rmSync(join(folder, `signalbox.db${name}`));
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
    rmSync(join(own, 'signalbox.db-sums'));
    expect(await outcomeOf(own)).toBe('database-behind');
  });

  it('is refused when it begins after what the database stands for', async () => {
    const { stores, folder } = await startStores({ log: { segmentBytes: 65536 } });
    for (const text of ['a', 'b', 'c']) await stores.log.append(payload(text, 70_000));
    await stores.database.setCheckpointPosition(positionOf(10));
    await stores.stop();
    rmSync(join(folder, 'log/0000000000000000.log'));
    await expect(prepareStores({ folder }).stores.start()).rejects.toMatchObject({
      code: 'database-behind',
      message: expect.stringContaining('position 10, but the log begins at 70016'),
    });
    touch(folder);
    const accepted = await startStores({ folder });
    await accepted.stores.stop();
    // Killed before its first checkpoint, so to speak: it was accepted all the same.
    await startStores({ folder });
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
    olderDatabase(folder);
    const again = await startStores({ folder });
    expect(readMark(join(folder, 'log'))).toMatchObject({ generation: 0 });
    await again.stores.database.deleteBrowserSessions([]);
    expect(generationOf(folder)).toBeGreaterThan(0);
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
    const before = generationOf(folder);
    await startStores({ folder });
    expect(generationOf(folder)).toBeGreaterThan(before);
  });

  it('counts what no log brings back, a forgotten device too; not state, a cursor or a look', async () => {
    const { stores, folder } = await startStores();
    const { database } = stores;
    const pump = { customer: 'acme', device: 'pump', position: positionOf(5), body: new Uint8Array(3) };
    const calls: [string, () => Promise<unknown>][] = [
      ['a key', () => database.insertKey(someKey(1))],
      ['a look', () => database.loadKeys()],
      ['state', () => database.saveDevices([pump])],
      ['a cursor', () => database.saveCursors({ mqtt: positionOf(5) })],
      ['forgotten', () => database.saveDevices([pump, { ...pump, position: positionOf(6), body: null }])],
      ['a command', () => database.saveCommands([someCommand(1)])],
      ['old ones', () => database.deleteEndedCommands(1, 10)],
    ];
    const counted: string[] = [];
    for (const [what, call] of calls) {
      const before = generationOf(folder);
      await call();
      if (generationOf(folder) > before) counted.push(what);
    }
    expect(counted).toEqual(['a key', 'forgotten', 'a command']);
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
