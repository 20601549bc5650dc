/** What is refused, with the limit that refused it. */
import { describe, expect, it } from 'vitest';
import type { CommandRequest } from '../../broker/hub/commands/command.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { commandWorld, requestOf } from './world.ts';

async function refusal(request: Partial<CommandRequest>) {
  const world = await commandWorld({ limits: { argsBytes: 100, maxTtlSeconds: 3600 } });
  world.known();
  const asked = world.commands.issue(requestOf(request));
  await expect(asked).rejects.toMatchObject({ name: 'HubRefusal' });
  return asked.then(
    () => null,
    ({ code, limit, message }) => ({ code, limit, message }),
  );
}

describe('a request that cannot be met', () => {
  it('names the limit of the arguments, and how big they were', async () => {
    const { code, limit, message } = (await refusal({ args: 'x'.repeat(200) })) ?? {};
    expect({ code, limit }).toEqual({ code: 'args-too-large', limit: 'commands.argsBytes' });
    expect(message).toMatch(/202 bytes .* at most 100/);
  });

  it('names it too when the arguments are many empty items, which cost memory', async () => {
    const { code, limit, message } = (await refusal({ args: Array.from({ length: 90 }, () => []) })) ?? {};
    expect({ code, limit }).toEqual({ code: 'args-too-large', limit: 'commands.argsBytes' });
    expect(message).toMatch(/18200 bytes in memory .* at most 4096/);
  });

  it('names the longest ttl', async () => {
    expect(await refusal({ ttl: 3_600_001 })).toMatchObject({ limit: 'commands.maxTtlSeconds' });
    expect(await refusal({ ttl: -1 })).toMatchObject({ code: 'bad-request' });
    expect(await refusal({ ttl: Number.NaN })).toMatchObject({ code: 'bad-request' });
  });

  it.each<[string, Value]>([
    ['nested too deep', [[[[[[[[1]]]]]]]]],
    ['not a number', Number.POSITIVE_INFINITY],
    ['a forbidden key', JSON.parse('{"__proto__": 1}')],
    ['a long key', { ['k'.repeat(65)]: 1 }],
  ])('says what a device could not read: %s', async (_, args) => {
    expect(await refusal({ args })).toMatchObject({ code: 'bad-request' });
  });

  it.each(['', 'a b', '9lives', 'constructor', 'x'.repeat(65)])(
    'is no command for the name %j',
    async (name) => {
      expect(await refusal({ name })).toMatchObject({ code: 'bad-request' });
    },
  );

  it('finds no device that has never been there', async () => {
    expect(await refusal({ device: 'unknown' })).toMatchObject({ code: 'not-found' });
  });
});

describe('a device with its number of waiting commands', () => {
  it('refuses another and names the limit; one that has ended makes room', async () => {
    const world = await commandWorld({ limits: { waitingPerDevice: 2 } });
    world.known();
    for (const id of ['a', 'b']) await world.ask({ id });
    const third = world.commands.issue(requestOf({ id: 'c' }));
    await expect(third).rejects.toMatchObject({
      code: 'too-many-commands',
      limit: 'commands.waitingPerDevice',
    });
    await world.commands.cancel('acme', 'a', 'key1');
    expect(await world.ask({ id: 'c' })).toMatchObject({ status: 'queued' });
  });

  it('gives up the oldest that waits only if the sender asks for that', async () => {
    const world = await commandWorld({ limits: { waitingPerDevice: 2 } });
    const device = await world.connect();
    for (const id of ['a', 'b']) await world.ask({ id });
    await device.answer('a', 'accepted');
    await world.ask({ id: 'c', whenFull: 'expire-oldest' });
    const given = await world.now('b');
    expect(given.status).toBe('expired');
    expect(given.timeline.at(-1)?.reason).toMatch(/made room/);
    expect(await world.now('a')).toMatchObject({ status: 'accepted' });
  });

  it('refuses when everything is under way', async () => {
    const world = await commandWorld({ limits: { waitingPerDevice: 1 } });
    const device = await world.connect();
    await world.ask({ id: 'a' });
    await device.answer('a', 'accepted');
    const asked = world.commands.issue(requestOf({ whenFull: 'expire-oldest' }));
    await expect(asked).rejects.toMatchObject({ code: 'too-many-commands' });
  });
});

it('refuses everybody when the broker has its number of waiting commands', async () => {
  const world = await commandWorld({ limits: { waiting: 2, waitingGuaranteed: 0 } });
  for (const device of ['one', 'two', 'three']) world.known(device);
  for (const device of ['one', 'two']) await world.ask({ device });
  const asked = world.commands.issue(requestOf({ device: 'three' }));
  await expect(asked).rejects.toMatchObject({ code: 'too-many-commands', limit: 'commands.waiting' });
  expect(world.commands.waiting).toBe(2);
});

it('cancels what a forgotten device had', async () => {
  const world = await commandWorld();
  const device = world.known();
  const { id } = await world.ask();
  world.fleet.forget(device);
  await world.pass(0);
  expect(await world.now(id)).toMatchObject({ status: 'cancelled' });
  expect((await world.now(id)).timeline.at(-1)?.reason).toBe('The device was forgotten.');
});

it("takes no result for another device's command", async () => {
  const world = await commandWorld();
  await world.connect('pump');
  const other = await world.connect('valve');
  const { id } = await world.ask({ device: 'pump' });
  other.frames();
  await other.answer(id, 'done');
  expect(await world.now(id)).toMatchObject({ status: 'written' });
  expect(other.frames()).toMatchObject([{ code: 'unknown-command' }]);
});
