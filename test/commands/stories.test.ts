/** What people ran into with other brokers, in their words, and what happens here. */
import { describe, expect, it } from 'vitest';
import { commandWorld, steps } from './world.ts';

it('"It shows my command as delivered, but the device was off" (thingsboard#7123)', async () => {
  const world = await commandWorld();
  world.known();
  const { id } = await world.ask();
  const waiting = await world.now(id);
  expect(waiting.status).toBe('queued');
  expect(world.commands.waitingFor(waiting)).toBe('device has not connected yet');
  const device = await world.connect();
  const out = await world.now(id);
  expect(out.status).toBe('written');
  expect(world.commands.waitingFor(out)).toBe('waiting for acceptance, attempt 1 of 5');
  await device.disconnect();
  const gone = world.commands.waitingFor(await world.now(id));
  expect(gone).toMatch(/^waiting for acceptance, attempt 1 of 5; device offline since 20\d\d-/);
});

it('"The device answered before it acknowledged, and now its queue is stuck" (thingsboard#8712)', async () => {
  const world = await commandWorld({ limits: { inFlight: 1 } });
  const device = await world.connect();
  await world.ask({ id: 'first' });
  await world.ask({ id: 'second' });
  await device.answer('first', 'done');
  await device.answer('first', 'accepted');
  expect(await world.now('first')).toMatchObject({ status: 'done' });
  expect(device.commands().map(({ id }) => id)).toEqual(['first', 'second']);
});

it('"The device crashed while it had the command, and the command was lost" (thingsboard PR#11994)', async () => {
  const world = await commandWorld();
  const before = await world.connect();
  const { id } = await world.ask();
  await before.disconnect();
  const after = await world.connect();
  expect(after.commands()).toMatchObject([{ id }]);
  await after.answer(id, 'done');
  expect(await world.now(id)).toMatchObject({ status: 'done', attempts: 2 });
});

it('"My sensor sleeps for an hour; commands are lost unless I am lucky" (thingsboard#10400)', async () => {
  const world = await commandWorld();
  world.known();
  const kept = await world.ask({ ttl: 2 * 3_600_000 });
  const short = await world.ask({ ttl: 60_000 });
  await world.pass(3_600_000);
  const device = await world.connect();
  expect(device.commands().map(({ id, ttl }) => [id, ttl])).toEqual([[kept.id, 3_600_000]]);
  const expired = await world.now(short.id);
  expect(expired).toMatchObject({ status: 'expired', endedAt: short.expiresAt });
  expect(expired.timeline.at(-1)?.reason).toBe('its ttl ran out: device has not connected yet');
});

it('"The reboot command reboots the device for ever" (lorawan-stack#4289)', async () => {
  const world = await commandWorld();
  world.known();
  const { id } = await world.ask({ name: 'reboot', ttl: 86_400_000 });
  let reboots = 0;
  for (let boot = 0; boot < 10; boot += 1) {
    const device = await world.connect();
    reboots += device.commands().length;
    await device.disconnect();
  }
  expect(reboots).toBe(5);
  expect(await world.now(id)).toMatchObject({ status: 'failed', attempts: 5 });
});

describe('"One bad command blocks the queue, and flushing it kills what is in flight" (chirpstack#321, #892)', () => {
  it('so one can be cancelled', async () => {
    const world = await commandWorld({ limits: { inFlight: 1 } });
    const device = await world.connect();
    for (const id of ['stuck', 'next']) await world.ask({ id });
    const cancelled = await world.commands.cancel('acme', 'stuck', 'key2');
    expect(cancelled).toMatchObject({ status: 'cancelled' });
    expect(cancelled?.timeline.at(-1)).toMatchObject({ by: 'key2', reason: 'It was cancelled.' });
    await world.pass(0);
    expect(device.commands().map(({ id }) => id)).toEqual(['stuck', 'next']);
  });

  it('and everything that waits, while what the device has accepted goes on', async () => {
    const world = await commandWorld({ limits: { inFlight: 2 } });
    const device = await world.connect();
    for (const id of ['a', 'b', 'c', 'd']) await world.ask({ id });
    await device.answer('a', 'accepted');
    expect(await world.commands.cancelWaiting('acme', 'pump', 'key2')).toBe(3);
    await device.answer('a', 'done');
    const ends = await Promise.all(['a', 'b', 'c', 'd'].map(async (id) => (await world.now(id)).status));
    expect(ends).toEqual(['done', 'cancelled', 'cancelled', 'cancelled']);
  });

  it('but not what is over', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    await world.ask({ id: 'a' });
    await device.answer('a', 'done');
    await expect(world.commands.cancel('acme', 'a', 'key2')).rejects.toMatchObject({ code: 'conflict' });
    expect(await world.commands.cancel('acme', 'nothing', 'key2')).toBeNull();
  });
});

it('"The valve was off for a day, and then it did every order of that day" (supersede)', async () => {
  const world = await commandWorld();
  world.known();
  for (const id of ['open-1', 'close-1', 'open-2'])
    await world.ask({ id, supersede: 'valve', ttl: 86_400_000 });
  await world.ask({ id: 'reboot', ttl: 86_400_000 });
  const device = await world.connect();
  expect(device.commands().map(({ id }) => id)).toEqual(['open-2', 'reboot']);
  const older = await world.now('open-1');
  expect(steps(older)).toEqual(['queued', 'cancelled']);
  expect(older.timeline.at(-1)?.reason).toBe('The newer command close-1 took its place.');
});

it('"The answer came after the timeout, and nobody kept it"', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const { id } = await world.ask({ ttl: 10_000 });
  await device.answer(id, 'accepted');
  await world.pass(10_000);
  await device.answer(id, 'done', { opened: true });
  const command = await world.now(id);
  expect(command.status).toBe('expired');
  expect(steps(command)).toEqual(['queued', 'written', 'accepted', 'expired', 'done (late)']);
  expect(command.timeline.at(-1)).toMatchObject({ late: true, data: { opened: true } });
});

it('"My script sent it twice, and the pump was started twice"', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const request = { customer: 'acme', device: 'pump', ttl: 60_000, supersede: null, job: null, by: 'key1' };
  const start = {
    ...request,
    name: 'start',
    args: { rpm: 900 },
    id: 'order-66',
    whenFull: 'refuse',
  } as const;
  const [first, second] = await Promise.all([world.commands.issue(start), world.commands.issue(start)]);
  const third = await world.commands.issue(start);
  expect([first.created, second.created, third.created]).toEqual([true, false, false]);
  expect(device.commands()).toHaveLength(1);
  await device.answer('order-66', 'done');
  expect(await world.commands.issue(start)).toMatchObject({ created: false, command: { status: 'done' } });
  const other = world.commands.issue({ ...start, args: { rpm: 1000 } });
  await expect(other).rejects.toMatchObject({ code: 'conflict' });
});
