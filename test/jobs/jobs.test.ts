/** "No command to a group" (thingsboard#1508, open since 2019): here with a canary, a rate, a halt, and each outcome. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JobWish, Selection } from '../../broker/hub/jobs/job.ts';
import { Jobs } from '../../broker/hub/jobs/jobs.ts';
import type { MemoryDatabase } from '../../broker/store/memory/database.ts';
import { type ConnectedDevice, commandWorld, rest } from '../commands/world.ts';
import { silentLog } from '../helpers/log.ts';

const EVERYBODY: Selection = { customer: 'acme', q: null, model: null, online: null, devices: null };

const wishOf = (wish: Partial<JobWish> = {}): JobWish => ({
  select: EVERYBODY,
  name: 'update',
  args: { to: '2.0' },
  ttl: 60_000,
  supersede: null,
  canary: 0,
  rate: null,
  haltShare: null,
  by: 'key1',
  ...wish,
});

async function jobWorld(devices: readonly string[], database?: MemoryDatabase) {
  const world = await commandWorld(database ? { database } : {});
  for (const id of devices) world.known(id);
  let ids = 0;
  const jobs = new Jobs({
    store: world.database,
    commands: world.commands,
    fleet: world.fleet,
    limits: world.config.commands,
    clock: world.clock,
    logger: silentLog,
    newId: () => {
      ids += 1;
      return `job${ids}`;
    },
  });
  await jobs.start();
  onTestFinished(() => jobs.stop());
  const outcomes = async (id: string) => {
    const job = await jobs.find('acme', id);
    if (!job) throw new Error(`there is no job ${id}`);
    const { items } = await jobs.outcomes(job, { from: 0, limit: 100 });
    return Object.fromEntries(items.map(({ device, status }) => [device, status]));
  };
  const create = async (wish: Partial<JobWish> = {}) => {
    const { id } = await jobs.create(wishOf(wish));
    await rest();
    return id;
  };
  const status = async (id: string) => (await jobs.find('acme', id))?.status;
  return { ...world, jobs, outcomes, create, status };
}

const NAMES = ['d1', 'd2', 'd3', 'd4'];

/** Connects these and lets each answer what it has got. */
async function connectAll(world: Awaited<ReturnType<typeof jobWorld>>, names: readonly string[]) {
  const devices = new Map<string, ConnectedDevice>();
  for (const name of names) devices.set(name, await world.connect(name));
  return {
    async answer(name: string, status: 'done' | 'failed' | 'accepted') {
      const device = devices.get(name);
      for (const { id } of device?.commands() ?? []) await device?.answer(id, status);
      await rest();
    },
  };
}

describe('a selection', () => {
  it('lists who would get it, by customer, part of the id, model, presence, or by name', async () => {
    const world = await jobWorld(['pump-1', 'pump-2', 'valve-1']);
    const find = (select: Partial<Selection>) => world.jobs.preview({ ...EVERYBODY, ...select });
    world.known('pump-2').description = { model: 'P7', firmware: null, meta: null };
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
    const nobody = world.jobs.create(wishOf({ select: { ...EVERYBODY, q: 'nothing' } }));
    await expect(nobody).rejects.toMatchObject({ code: 'bad-request' });
    const badName = world.jobs.create(wishOf({ name: 'not a name' }));
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

  it('takes back what waits when it is cancelled, and nothing that a device is doing', async () => {
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

  it('skips who has not had it yet when it is cancelled', async () => {
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
