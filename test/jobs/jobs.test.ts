/** "No command to a group" (thingsboard#1508, open since 2019): here with a canary, a rate, a halt, and each outcome. */
import { describe, expect, it } from 'vitest';
import type { DeviceSelection } from '../../broker/hub/jobs/job.ts';
import { readJob, writeJob } from '../../broker/hub/jobs/record.ts';
import { decode } from '../../broker/wire/cbor.ts';
import { rest } from '../commands/world.ts';
import { connectAll, EVERYBODY, jobWorld, NAMES, requestOf, slowDatabase } from './world.ts';

describe('a selection', () => {
  it('lists who would get it, by customer, part of the id, model, presence, or by name', async () => {
    const world = await jobWorld(['pump-1', 'pump-2', 'valve-1']);
    const find = (select: Partial<DeviceSelection>) => world.jobs.preview({ ...EVERYBODY, ...select });
    world.known('pump-2').description = { model: 'P7', firmware: null, meta: null, maxFrame: null };
    await world.connect('valve-1');
    expect(find({})).toEqual(['pump-1', 'pump-2', 'valve-1']);
    expect(find({ q: 'PUMP' })).toEqual(['pump-1', 'pump-2']);
    expect(find({ model: 'P7' })).toEqual(['pump-2']);
    expect(find({ online: true })).toEqual(['valve-1']);
    expect(find({ online: false, q: '1' })).toEqual(['pump-1']);
    expect(find({ devices: ['valve-1', 'pump-1', 'valve-1'] })).toEqual(['pump-1', 'valve-1']);
    expect(() => find({ devices: ['pump-1', 'gone'] })).toThrow(/not known: gone/);
    expect(find({ customer: 'other' })).toEqual([]);
  });

  it('that finds nobody, or too many, makes no job', async () => {
    const world = await jobWorld(NAMES);
    const nobody = world.jobs.create(requestOf({ select: { ...EVERYBODY, q: 'nothing' } }));
    await expect(nobody).rejects.toMatchObject({ code: 'bad-request' });
    const badName = world.jobs.create(requestOf({ name: 'not a name' }));
    await expect(badName).rejects.toMatchObject({ code: 'bad-request' });
    expect((await world.jobs.list('*', { before: null, limit: 10 })).items).toEqual([]);
  });
});

describe('a job', () => {
  it('tells what became of each device while it runs, and is done when all have their outcome', async () => {
    const world = await jobWorld(NAMES);
    const { answer } = await connectAll(world, ['d1', 'd2']);
    const id = await world.create();
    await answer('d1', 'done');
    expect(await world.outcomes(id)).toEqual({ d1: 'done', d2: 'written', d3: 'queued', d4: 'queued' });
    await answer('d2', 'failed');
    await world.pass(60_000);
    expect(await world.outcomes(id)).toEqual({ d1: 'done', d2: 'failed', d3: 'expired', d4: 'expired' });
    const job = await world.jobs.find('acme', id);
    expect(job).toMatchObject({ status: 'done', issued: 4, counts: { done: 1, failed: 1, expired: 2 } });
    expect(job?.endedAt).not.toBeNull();
  });

  it('goes on from the canary only when all of it are done', async () => {
    const world = await jobWorld(NAMES);
    const { answer } = await connectAll(world, NAMES);
    const id = await world.create({ canary: 2 });
    expect(await world.outcomes(id)).toEqual({ d1: 'written', d2: 'written', d3: 'waiting', d4: 'waiting' });
    await answer('d1', 'done');
    expect(await world.status(id)).toBe('canary');
    await answer('d2', 'done');
    expect(await world.status(id)).toBe('running');
    expect(await world.outcomes(id)).toMatchObject({ d3: 'written', d4: 'written' });
  });

  it('halts when the canary fails, says why, and goes on when a person says so', async () => {
    const world = await jobWorld(NAMES);
    const { answer } = await connectAll(world, NAMES);
    const id = await world.create({ canary: 2 });
    await answer('d1', 'failed');
    const halted = await world.jobs.find('acme', id);
    expect(halted).toMatchObject({
      status: 'halted',
      reason: '1 of the first 2 (canary) did not end as done.',
    });
    await answer('d2', 'done');
    expect(await world.outcomes(id)).toMatchObject({ d3: 'waiting', d4: 'waiting' });
    await world.jobs.resume('acme', id, 'key1');
    await rest();
    await answer('d3', 'done');
    await answer('d4', 'done');
    expect(await world.jobs.find('acme', id)).toMatchObject({
      status: 'done',
      counts: { done: 3, failed: 1 },
    });
  });

  it('does not stay open when its canary was all of it', async () => {
    const world = await jobWorld(['d1', 'd2']);
    const { answer } = await connectAll(world, ['d1', 'd2']);
    const id = await world.create({ canary: 2 });
    await answer('d1', 'failed');
    expect(await world.status(id)).toBe('halted');
    await answer('d2', 'done');
    const job = await world.jobs.find('acme', id);
    expect(job).toMatchObject({ status: 'done', counts: { done: 1, failed: 1 } });
    expect(job?.endedAt).not.toBeNull();
  });

  it('that halts is halted on disk at once', async () => {
    const world = await jobWorld(NAMES);
    const { answer } = await connectAll(world, NAMES);
    const id = await world.create({ canary: 1 });
    await answer('d1', 'failed');
    const row = await world.database.findJob('acme', id);
    expect(readJob(row ?? expect.fail()).state.status).toBe('halted');
  });

  it('halts when failures pass the share, and not for one of the first', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `d${String(index).padStart(2, '0')}`);
    const world = await jobWorld(names);
    const { answer } = await connectAll(world, names);
    const id = await world.create({ haltShare: 0.1, rate: 20 });
    for (const name of names.slice(0, 8)) {
      await answer(name, name === 'd00' ? 'failed' : 'done');
      await world.pass(50);
    }
    expect(await world.status(id)).toBe('running');
    for (const name of names.slice(8, 12)) {
      await answer(name, 'failed');
      await world.pass(50);
    }
    const halted = await world.jobs.find('acme', id);
    expect(halted?.status).toBe('halted');
    expect(halted?.reason).toMatch(/of \d+ that ended did not end as done, more than the share of 0\.1/);
    const before = halted?.issued;
    await world.pass(10_000);
    expect((await world.jobs.find('acme', id))?.issued).toBe(before);
  });

  it('keeps to its rate', async () => {
    const world = await jobWorld(NAMES);
    const id = await world.create({ rate: 2 });
    const issued = async () => (await world.jobs.find('acme', id))?.issued;
    expect(await issued()).toBe(1);
    await world.pass(500);
    expect(await issued()).toBe(2);
    await world.pass(1000);
    expect(await issued()).toBe(4);
  });

  it('tells why a device could not get it', async () => {
    const world = await jobWorld(NAMES);
    world.fleet.forget(world.known('d2'));
    const id = await world.create({ select: { ...EVERYBODY, devices: ['d1'] } });
    expect(await world.outcomes(id)).toEqual({ d1: 'queued' });
    for (let number = 0; number < 100; number += 1) await world.ask({ device: 'd3' });
    const full = await world.create({ select: { ...EVERYBODY, devices: ['d3', 'd4'] } });
    const job = await world.jobs.find('acme', full);
    const { items } = await world.jobs.outcomes(job ?? expect.fail(), { from: 0, limit: 10 });
    expect(items[0]).toMatchObject({ device: 'd3', status: 'refused', command: null });
    expect(items[0]?.reason).toMatch(/commands\.waitingPerDevice/);
    expect(items[1]).toMatchObject({ device: 'd4', status: 'queued' });
  });

  it('is seen by its own customer only', async () => {
    const world = await jobWorld(NAMES);
    const id = await world.create();
    expect(await world.jobs.find('other', id)).toBeNull();
    expect(await world.jobs.cancel('other', id, 'key3')).toBeNull();
    expect(await world.jobs.find('*', id)).not.toBeNull();
  });
});

describe('a restart in the middle', () => {
  it('leaves nothing running behind, though commands are being made', async () => {
    const { database, store } = slowDatabase();
    const world = await jobWorld(NAMES, database);
    const before = world.clock.pending;
    store.holds = 'commands';
    await world.create({ rate: 1000 });
    expect(store.held).toBe(1);
    const stopped = world.jobs.stop();
    await store.release();
    await stopped;
    await world.commands.stop();
    expect(world.clock.pending).toBe(before);
  });

  it('goes on where it was, and nobody gets it twice', async () => {
    const before = await jobWorld(NAMES);
    const first = await connectAll(before, ['d1', 'd2']);
    const id = await before.create({ canary: 2 });
    await first.answer('d1', 'done');
    await before.jobs.stop();
    await before.commands.stop();

    const after = await jobWorld(NAMES, before.database);
    expect(await after.status(id)).toBe('canary');
    const second = await connectAll(after, NAMES);
    await second.answer('d2', 'done');
    expect(await after.status(id)).toBe('running');
    await second.answer('d3', 'done');
    await second.answer('d4', 'done');
    expect(await after.jobs.find('acme', id)).toMatchObject({ status: 'done', counts: { done: 4 } });
    const { items } = await after.commands.list({
      customer: 'acme',
      device: null,
      job: id,
      before: null,
      limit: 100,
    });
    expect(items).toHaveLength(4);
  });
});

describe('a row of a job', () => {
  it('keeps the names that its members had in the first version, and comes back as it was', () => {
    const request = requestOf({ canary: 1 });
    const baseline = { ended: 2, failures: 1 };
    const state = { request, status: 'canary', reason: null, cancelledBy: null, baseline } as const;
    const times = { createdAt: 5, endedAt: null };
    const stored = { id: 'j', number: 3, ...times, targets: ['d1', 'd2'], state, counts: {}, issued: 0 };
    const row = writeJob({ ...stored, refusals: new Map([[1, 'no']]) });
    const { state: body } = decode(row.body) as { readonly state: object };
    expect(Object.keys(body).sort()).toEqual(['baseline', 'cancelledBy', 'reason', 'status', 'wish']);
    expect(readJob(row)).toEqual({ ...stored, refusals: new Map([[1, 'no']]) });
  });
});
