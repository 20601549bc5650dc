/** A job that is cancelled: what waits is taken back, what a device is doing goes on, also when the broker dies meanwhile. */
import { describe, expect, it } from 'vitest';
import { rest } from '../commands/world.ts';
import { connectAll, jobWorld, NAMES, slowDatabase } from './world.ts';

describe('a job that is cancelled', () => {
  it('takes back what waits, and nothing that a device is doing', async () => {
    const world = await jobWorld(NAMES);
    const { answer } = await connectAll(world, ['d1', 'd2']);
    const id = await world.create({ rate: 1000, canary: 0 });
    await world.pass(100);
    await answer('d1', 'accepted');
    const cancelled = await world.jobs.cancel('acme', id, 'key2');
    expect(cancelled).toMatchObject({ status: 'cancelled', reason: 'It was cancelled by key key2.' });
    expect(await world.outcomes(id)).toEqual({
      d1: 'accepted',
      d2: 'cancelled',
      d3: 'cancelled',
      d4: 'cancelled',
    });
    expect(cancelled?.endedAt).toBeNull();
    await world.pass(60_000);
    expect((await world.jobs.find('acme', id))?.endedAt).not.toBeNull();
    await expect(world.jobs.cancel('acme', id, 'key2')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('skips who has not had it yet', async () => {
    const world = await jobWorld(NAMES);
    await connectAll(world, NAMES);
    const id = await world.create({ canary: 1 });
    await world.jobs.cancel('acme', id, 'key2');
    expect(await world.outcomes(id)).toEqual({
      d1: 'cancelled',
      d2: 'skipped',
      d3: 'skipped',
      d4: 'skipped',
    });
  });

  it('takes back what was being made in the same moment, in the name of who cancelled it', async () => {
    const { database, store } = slowDatabase();
    const world = await jobWorld(NAMES, database);
    store.holds = 'commands';
    const id = await world.create();
    const cancelling = world.jobs.cancel('acme', id, 'key2');
    await rest();
    expect(store.held).toBe(1);
    await store.release();
    await cancelling;
    await rest();
    for (const index of NAMES.keys()) {
      expect((await world.now(`${id}.${index}`)).timeline.at(-1)).toMatchObject({
        status: 'cancelled',
        by: 'key2',
      });
    }
    expect((await world.jobs.find('acme', id))?.endedAt).not.toBeNull();
  });

  it('takes hundreds back in a few transactions', async () => {
    const { database, store } = slowDatabase();
    const world = await jobWorld(
      Array.from({ length: 300 }, (_, index) => `d${index}`),
      database,
    );
    const id = await world.create();
    await world.pass(100);
    const before = store.commandSaves;
    await world.jobs.cancel('acme', id, 'key2');
    expect(await world.jobs.find('acme', id)).toMatchObject({ counts: { cancelled: 300 } });
    expect(store.commandSaves - before).toBeGreaterThan(0);
    expect(store.commandSaves - before).toBeLessThan(10);
  });

  it('is finished after a restart, if the broker died before everything was taken back', async () => {
    const { database, store } = slowDatabase();
    const before = await jobWorld(NAMES, database);
    const id = await before.create();
    store.holds = 'commands';
    const cancelling = before.jobs.cancel('acme', id, 'key2');
    await rest();
    expect(store.held).toBe(1);
    before.jobs.abandon();
    before.commands.abandon();

    store.holds = 'nothing';
    const after = await jobWorld(NAMES, database);
    await rest();
    const device = await after.connect('d1');
    expect(device.commands()).toEqual([]);
    expect(await after.jobs.find('acme', id)).toMatchObject({
      status: 'cancelled',
      counts: { cancelled: 4 },
    });
    expect((await after.now(`${id}.3`)).timeline.at(-1)).toMatchObject({ by: 'key2' });
    await store.release();
    await cancelling;
  });

  it('cannot be one that is done, though its end is still being written down', async () => {
    const { database, store } = slowDatabase();
    const world = await jobWorld(['d1'], database);
    const { answer } = await connectAll(world, ['d1']);
    const id = await world.create();
    store.holds = 'jobs';
    await answer('d1', 'done');
    expect(store.held).toBe(1);
    await expect(world.jobs.cancel('acme', id, 'key2')).rejects.toMatchObject({ code: 'conflict' });
    await store.release();
    expect(await world.status(id)).toBe('done');
  });
});
