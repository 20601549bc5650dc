/** Answers that come about the end of a command: in time, at the end, and after it. */
import { describe, expect, it } from 'vitest';
import { FRAME } from '../../broker/wire/frames.ts';
import { commandWorld, holdSaves, RESULT, requestOf, rest, steps } from './world.ts';

it('"The device answered in time, and the broker shows it as expired"', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const { id, expiresAt } = await world.ask({ ttl: 1000 });
  world.log.holdBack();
  await world.pass(expiresAt - 1 - world.clock.now());
  await device.answer(id, 'done');
  await world.pass(10);
  world.log.release();
  await rest();
  expect(await world.now(id)).toMatchObject({ status: 'done', endedAt: expiresAt - 1 });
});

it('whoever follows a command hears of its end also when a late answer is what tells the broker', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const { id } = await world.ask({ ttl: 1000 });
  world.log.holdBack();
  await device.answer('unknown-1', 'done');
  await device.answer('unknown-2', 'done');
  await world.pass(1000);
  await device.answer(id, 'done');
  world.log.release();
  await rest();
  expect(steps(await world.now(id))).toEqual(['queued', 'written', 'expired', 'done (late)']);
  const ends = world.told.filter((command) => command.id === id && command.endedAt !== null);
  expect(ends.map(({ timeline }) => timeline.at(-1)?.late ?? false)).toEqual([false, true]);
});

it('decision 7: a result that was sent before a telemetry frame is durable once that frame is acknowledged', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const { id } = await world.ask();
  device.frames();
  world.log.holdBack();
  device.say(id, 'done');
  device.measure(1);
  await world.pass(1000);
  expect([device.frames(), (await world.now(id)).status]).toEqual([[], 'written']);
  world.log.release();
  await rest();
  await world.pass(1000);
  expect(device.frames()).toEqual([{ kind: FRAME.ack, seq: 1 }]);
  expect(await world.now(id)).toMatchObject({ status: 'done' });
});

describe('"I cancelled it, the device had done it already, and nobody kept that"', () => {
  it('though the store was busy and the log went on', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    const { id } = await world.ask();
    world.known('other');
    const held = holdSaves(world.database);
    const busy = world.commands.issue(requestOf({ device: 'other' }));
    await rest();
    const cancelled = world.commands.cancel('acme', id, 'key2');
    await device.answer(id, 'done');
    await device.answer('unknown', 'done');
    await held.release();
    await Promise.all([busy, cancelled]);
    await rest();
    expect(steps(await world.now(id))).toEqual(['queued', 'written', 'cancelled', 'done (late)']);
  });

  it('though the broker was killed before it was kept: the log has it', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    const { id, createdAt } = await world.ask();
    await world.commands.cancel('acme', id, 'key2');
    const position = world.ingest.position;
    await device.answer('unknown', 'done');
    await world.commands.stop();
    const frame = { kind: FRAME.result, id, status: RESULT.done, data: null };
    const again = await commandWorld({
      database: world.database,
      replay: (commands) =>
        commands.result({
          customer: 'acme',
          device: 'pump',
          session: 's1',
          frame,
          arrival: createdAt + 1,
          position,
        }),
    });
    expect(steps(await again.now(id))).toEqual(['queued', 'written', 'cancelled', 'done (late)']);
  });
});

it('"One device sends results of nothing without end": it has its share, and the others have theirs', async () => {
  const world = await commandWorld();
  const device = await world.connect();
  const valve = await world.connect('valve');
  const { id } = await world.ask({ device: 'valve' });
  await world.commands.cancel('acme', id, 'key2');
  let lookups = 0;
  const find = world.database.findCommands.bind(world.database);
  world.database.findCommands = (...query) => {
    lookups += 1;
    return find(...query);
  };
  world.log.holdBack();
  for (let number = 0; number < 2000; number += 1) device.say(`nothing-${number}`, 'done');
  valve.say(id, 'done');
  world.log.release();
  await world.commands.save();
  await rest();
  await world.commands.save();
  expect(steps(await world.now(id))).toContain('done (late)');
  expect(lookups).toBeLessThan(3000);
  lookups = 0;
  await device.answer('nothing', 'done');
  await world.commands.save();
  expect(lookups).toBe(1);
});
