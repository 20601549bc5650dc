/** A disk that is full, and one whose room comes back: what waits goes on by itself, and nothing is half done. */
import { expect, it } from 'vitest';
import { describeOnSmallDisk, smallDisk } from '../helpers/small-disk.ts';
import { payload, readTexts, startStores } from './harness.ts';
import { someCommand, someKey } from './killed-folder.ts';

/** Resolves at the next change of what is in the way. */
function change(stores: { onObstacle(listener: () => void): void }): () => Promise<void> {
  let waiting: (() => void)[] = [];
  stores.onObstacle(() => {
    for (const resolve of waiting) resolve();
    waiting = [];
  });
  return () => new Promise((resolve) => waiting.push(resolve));
}

describeOnSmallDisk('the stores on a disk that is full', () => {
  it('keep an append until there is room, and what is stored stays readable', async () => {
    const disk = smallDisk(8192);
    const { stores, lines } = await startStores({ folder: disk.folder });
    const next = change(stores);
    await stores.log.append(payload('before'));
    disk.fill();
    const begun = next();
    const waiting = [payload('a', 100_000), payload('b', 100_000)].map((bytes) => stores.log.append(bytes));
    await begun;
    expect(stores.obstacles.log).toBe('disk-full');
    expect(await readTexts(stores, 0)).toEqual(['before']);
    disk.free();
    await Promise.all(waiting);
    expect(stores.obstacles.log).toBeNull();
    expect(await readTexts(stores, 0)).toEqual(['before', 'a', 'b']);
    expect(
      lines.filter(({ level }) => level !== 'info').map(({ level, message }) => [level, message]),
    ).toEqual([
      ['error', 'The disk is full: the log waits, and goes on by itself when that is over.'],
      ['warn', expect.stringMatching(/^The log goes on after \d/)],
    ]);
  });

  it('keep a command and a key until there is room, in their order, and answer what reads meanwhile', async () => {
    const disk = smallDisk(8192);
    const { stores } = await startStores({ folder: disk.folder });
    const { database } = stores;
    await database.saveCommands([someCommand(1)]);
    const next = change(stores);
    disk.fill();
    const begun = next();
    const rows = Array.from({ length: 500 }, (_, index) => someCommand(index + 2));
    const waiting = [database.saveCommands(rows), database.insertKey(someKey(1))];
    await begun;
    expect(stores.obstacles.database).toBe('disk-full');
    expect(await database.findCommands('acme', 'c1')).toHaveLength(1);
    expect(await database.findCommands('acme', 'c2')).toEqual([]);
    expect(await database.loadKeys()).toEqual([]);
    disk.free();
    await Promise.all(waiting);
    expect(await database.lastCommandNumber()).toBe(501);
    expect(await database.loadKeys()).toHaveLength(1);
  });

  it('can be stopped, and what waited is rejected', async () => {
    const disk = smallDisk(8192);
    const { stores } = await startStores({ folder: disk.folder });
    const next = change(stores);
    disk.fill();
    const begun = next();
    const waiting = stores.log.append(payload('a', 100_000));
    await begun;
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'stopped' });
    await stores.stop();
    await rejected;
    disk.free();
    const again = await startStores({ folder: disk.folder });
    expect(await readTexts(again.stores, 0)).toEqual([]);
  });
});
