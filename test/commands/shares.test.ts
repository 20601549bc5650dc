/** What all customers share, shared out: "acme's full queue does not stop globex". */
import { describe, expect, it } from 'vitest';
import type { CommandRequest } from '../../broker/hub/commands/command.ts';
import { EVERYBODY, requestOf as jobOf, jobWorld } from '../jobs/world.ts';
import { commandWorld, type Limits, requestOf } from './world.ts';

const LIMITS: Limits = { waiting: 10, waitingPerCustomer: 4, waitingPerKey: 3, waitingGuaranteed: 0 };

async function sharedWorld(limits: Limits = {}) {
  const world = await commandWorld({ limits: { ...LIMITS, ...limits } });
  const send = (customer: string, by: string, request: Partial<CommandRequest> = {}) => {
    world.fleet.obtain(customer, 'pump');
    return world.commands.issue(requestOf({ customer, by, ...request }));
  };
  const fill = async (customer: string, by: string, count: number) => {
    for (let number = 0; number < count; number += 1) await send(customer, by);
  };
  return { ...world, send, fill };
}

const full = (limit: string) => ({ code: 'too-many-commands', limit, retryAfter: expect.any(Number) });

describe('waiting commands', () => {
  it("acme's full queue does not stop globex", async () => {
    const { send, fill } = await sharedWorld({ waitingPerKey: 10 });
    await fill('acme', 'script', 4);
    await expect(send('acme', 'script')).rejects.toMatchObject(full('commands.waitingPerCustomer'));
    expect(await send('globex', 'olga')).toMatchObject({ created: true });
  });

  it("one key's full queue does not stop the other keys of its customer", async () => {
    const { send, fill } = await sharedWorld();
    await fill('acme', 'script', 3);
    await expect(send('acme', 'script')).rejects.toMatchObject(full('commands.waitingPerKey'));
    expect(await send('acme', 'olga')).toMatchObject({ created: true });
  });

  it('an admin whose commands wait for acme can still command globex', async () => {
    const { send, fill } = await sharedWorld();
    await fill('acme', 'boss', 3);
    expect(await send('globex', 'boss')).toMatchObject({ created: true });
  });

  it('there is a place for an admin beside a customer whose keys have taken all', async () => {
    const { send, fill } = await sharedWorld({ waitingGuaranteed: 1 });
    await fill('acme', 'script', 3);
    await fill('acme', 'olga', 1);
    await expect(send('acme', 'olga')).rejects.toMatchObject(full('commands.waitingPerCustomer'));
    expect(await send('acme', 'boss', { asker: 'admin' })).toMatchObject({ created: true });
    await expect(send('acme', 'boss', { asker: 'admin' })).rejects.toMatchObject({ retryAfter: 10 });
  });

  it('there is a place for every customer, however full the broker is', async () => {
    const { send, fill } = await sharedWorld({ waiting: 4, waitingGuaranteed: 2 });
    await fill('acme', 'a', 2);
    await fill('beta', 'b', 2);
    await expect(send('acme', 'a')).rejects.toMatchObject(full('commands.waiting'));
    await fill('globex', 'olga', 2);
    await expect(send('globex', 'olga')).rejects.toMatchObject(full('commands.waiting'));
  });

  it('what has ended makes room in every share', async () => {
    const { send, fill, commands, pass } = await sharedWorld();
    await fill('acme', 'script', 2);
    const { command } = await send('acme', 'script');
    await commands.cancel('acme', command.id, 'script');
    expect(await send('acme', 'script')).toMatchObject({ created: true });
    await pass(60_000);
    await fill('acme', 'script', 3);
    await expect(send('acme', 'script')).rejects.toMatchObject(full('commands.waitingPerKey'));
  });

  it('a newer one takes the place of the oldest also where the share is full', async () => {
    const { send, fill } = await sharedWorld({ waitingPerDevice: 3 });
    await fill('acme', 'script', 3);
    expect(await send('acme', 'script', { whenFull: 'expire-oldest' })).toMatchObject({ created: true });
  });

  it('count in their shares after a restart', async () => {
    const { fill, database, commands } = await sharedWorld();
    await fill('acme', 'script', 3);
    await commands.stop();
    const later = await commandWorld({ limits: LIMITS, database });
    later.known();
    await expect(later.commands.issue(requestOf({ by: 'script' }))).rejects.toMatchObject(
      full('commands.waitingPerKey'),
    );
  });
});

describe('a job whose share is used up', () => {
  it('says so, keeps the turn of its devices, and goes on as commands end', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const world = await jobWorld(names, undefined, { waitingPerKey: 2 });
    const id = await world.create();
    const job = () => world.jobs.find('acme', id);
    expect(await job()).toMatchObject({ status: 'running', issued: 2 });
    expect((await job())?.reason).toMatch(/waits for room.*commands\.waitingPerKey/);
    for (const index of [0, 1]) await world.commands.cancel('acme', `${id}.${index}`, 'key1');
    await world.pass(1000);
    expect(await job()).toMatchObject({ issued: 4, counts: { cancelled: 2, queued: 2 } });
    for (const index of [2, 3]) await world.commands.cancel('acme', `${id}.${index}`, 'key1');
    await world.pass(1000);
    expect(await job()).toMatchObject({ issued: 5, reason: null });
    expect((await job())?.counts).not.toHaveProperty('refused');
  });

  it('can be cancelled while it waits', async () => {
    const world = await jobWorld(['a', 'b', 'c'], undefined, { waitingPerKey: 1 });
    const id = await world.create();
    await world.jobs.cancel('acme', id, 'key1');
    expect(await world.outcomes(id)).toEqual({ a: 'cancelled', b: 'skipped', c: 'skipped' });
    expect(await world.status(id)).toBe('cancelled');
  });
});

it("acme's jobs do not become more than its number; globex has its own", async () => {
  const world = await jobWorld(['a'], undefined, { jobsPerCustomer: 2 });
  world.fleet.obtain('globex', 'pump');
  await Promise.all([world.create(), world.create()]);
  await expect(world.jobs.create(jobOf())).rejects.toMatchObject({
    code: 'too-many-jobs',
    limit: 'commands.jobsPerCustomer',
    retryAfter: 60,
  });
  await world.create({ select: { ...EVERYBODY, customer: 'globex' } });
});
