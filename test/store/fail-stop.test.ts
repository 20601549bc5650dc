/**
 * After the first I/O error that does not pass by itself nothing is acknowledged any more. The errors are real ones:
 * /dev/null takes writes but cannot be synced. A disk that is full: disk-full.test.ts.
 */
import { rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { segmentName } from '../../broker/store/log/format.ts';
import type { StoreError } from '../../broker/store/ports.ts';
import { numberOf, START } from '../../broker/store/position.ts';
import { everyPage } from '../../broker/store/subject.ts';
import { payload, prepareStores, startStores, type TestStores } from './harness.ts';

/** Stores whose log's first segment is a device file. */
async function startOn(device: string): Promise<TestStores & { failures: StoreError[] }> {
  const { stores, folder } = await startStores();
  await stores.stop();
  rmSync(join(folder, 'log', segmentName(0)));
  symlinkSync(device, join(folder, 'log', segmentName(0)));
  const prepared = prepareStores({ folder });
  const failures: StoreError[] = [];
  prepared.stores.onFailure((error) => failures.push(error));
  await prepared.stores.start();
  return { ...prepared, failures };
}

const REJECTED = { status: 'rejected', reason: { name: 'StoreError', code: 'log-failed' } };

describe.each([['a sync that fails', '/dev/null', /EINVAL.*fdatasync/]])('%s', (_, device, cause) => {
  it('rejects what waits and whatever comes later, and is told once', async () => {
    const { stores, failures } = await startOn(device);
    const waiting = ['a', 'b', 'c'].map((text) => stores.log.append(payload(text)));
    expect(await Promise.allSettled(waiting)).toMatchObject([REJECTED, REJECTED, REJECTED]);
    const later = ['d', 'e'].map((text) => stores.log.append(payload(text)));
    expect(await Promise.allSettled(later)).toMatchObject([REJECTED, REJECTED]);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: 'log-failed', message: expect.stringMatching(cause) });
  });

  it('shows no reader a record that was not durable, and can be stopped', async () => {
    const { stores } = await startOn(device);
    const reader = await stores.log.reader('mqtt', 'first');
    const next = reader.next(1000);
    await expect(stores.log.append(payload('never'))).rejects.toThrow();
    expect(stores.log.stats()).toMatchObject({ first: 0, end: 0, commits: 0 });
    await stores.stop();
    expect(await next).toEqual([]);
  });
});

it('fails later as it fails at first: what was durable before stays acknowledged', async () => {
  const { stores, folder } = await startStores({ log: { segmentBytes: 65536 } });
  const commit = await stores.log.append(payload('good', 70_000));
  const failed = new Promise<StoreError>((resolve) => stores.onFailure(resolve));
  // The next segment's name is taken, so the log cannot go on there.
  writeFileSync(join(folder, 'log', segmentName(numberOf(commit.end))), '');
  const results = await Promise.allSettled([
    stores.log.append(payload('a')),
    stores.log.append(payload('b')),
  ]);
  expect(results).toMatchObject([REJECTED, REJECTED]);
  expect((await failed).message).toContain('EEXIST');
  expect(stores.log.stats()).toMatchObject({ commits: 1, end: commit.end });
});

it('stops the stores when the database can no longer be read', async () => {
  const first = await startStores();
  const body = Buffer.alloc(4000, 1);
  const rows = Array.from({ length: 2000 }, (_, n) => ({
    customer: 'acme',
    device: `d${n}`,
    position: START,
    body,
  }));
  await first.stores.database.saveDevices(rows);
  await first.stores.stop();
  const { stores, folder } = await startStores({ folder: first.folder });
  const failures: StoreError[] = [];
  stores.onFailure((error) => failures.push(error));
  truncateSync(join(folder, 'signalbox.db'), 8192);
  const load = async () => {
    for await (const page of everyPage(stores.database.loadDevices)) expect(page.length).toBeGreaterThan(0);
  };
  await expect(load()).rejects.toMatchObject({ code: 'database-failed' });
  await expect(stores.database.loadKeys()).rejects.toMatchObject({ code: 'database-failed' });
  expect(failures).toMatchObject([{ code: 'database-failed' }]);
});

it('does not take a mistake of the caller for a failure of the disk', async () => {
  const { stores } = await startStores();
  const failures: StoreError[] = [];
  stores.onFailure((error) => failures.push(error));
  const short = { hash: new Uint8Array(3), keyId: 'key00001', createdAt: 1, expiresAt: 2 };
  await expect(stores.database.insertBrowserSession(short)).rejects.toThrow('CHECK constraint failed');
  expect(await stores.database.loadBrowserSessions()).toEqual([]);
  expect(failures).toEqual([]);
});
