/** "A restart strands a command" (thingsboard#11642): not here. The second broker knows only what the store holds. */
import { describe, expect, it } from 'vitest';
import { positionOf } from '../../broker/store/position.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { commandWorld, RESULT, steps } from './world.ts';

/** A position that no row stands for. */
const BEYOND = 1_000_000;

const result = (id: string, status: keyof typeof RESULT, arrival: number, position: number) => ({
  customer: 'acme',
  device: 'pump',
  session: 's1',
  frame: { kind: FRAME.result, id, status: RESULT[status], data: null },
  arrival,
  position: positionOf(position),
});

/** What was asked before, with the broker gone since; `connected`: the device had it. */
async function brokerBefore(ttl: number, connected: 'connected' | 'away' = 'away') {
  const world = await commandWorld();
  world.known();
  if (connected === 'connected') await world.connect();
  const { id, createdAt } = await world.ask({ ttl });
  await world.commands.stop();
  return { id, createdAt, database: world.database };
}

describe('a command that waited when the broker was restarted', () => {
  it('is written when the device comes', async () => {
    const { id, database } = await brokerBefore(60_000);
    const world = await commandWorld({ database });
    world.known();
    const device = await world.connect();
    expect(device.commands()).toMatchObject([{ id }]);
  });

  it('expires when its ttl has run out, to the millisecond, whenever that is noticed', async () => {
    const { id, createdAt, database } = await brokerBefore(60_000);
    const world = await commandWorld({ database });
    world.known();
    await world.pass(59_999);
    expect(await world.now(id)).toMatchObject({ status: 'queued' });
    await world.pass(1);
    expect(await world.now(id)).toMatchObject({ status: 'expired', endedAt: createdAt + 60_000 });
  });

  it('keeps count of its attempts', async () => {
    const { id, database } = await brokerBefore(3_600_000, 'connected');
    const world = await commandWorld({ database });
    world.known();
    for (let attempt = 2; attempt <= 5; attempt += 1) {
      const device = await world.connect();
      expect(device.commands()).toHaveLength(1);
      await device.disconnect();
    }
    expect((await world.connect()).commands()).toEqual([]);
    expect(await world.now(id)).toMatchObject({ status: 'failed', attempts: 5 });
  });

  it('has failed if it was to be done now or never', async () => {
    const { id, database } = await brokerBefore(0, 'connected');
    const world = await commandWorld({ database });
    const command = await world.now(id);
    expect(command.status).toBe('failed');
    expect(command.timeline.at(-1)?.reason).toMatch(/restarted before the device accepted/);
  });

  it('goes on with the numbering, so that the order stays', async () => {
    const { database } = await brokerBefore(60_000);
    const world = await commandWorld({ database });
    world.known();
    expect(await world.ask({})).toMatchObject({ number: 2 });
  });
});

describe('a result that is in the log and not in the store', () => {
  it('is taken at the start, by the time of its arrival', async () => {
    const { id, createdAt, database } = await brokerBefore(60_000, 'connected');
    const world = await commandWorld({
      database,
      replay: (commands) => {
        commands.result(result(id, 'accepted', createdAt + 5, BEYOND));
        commands.result(result(id, 'done', createdAt + 9, BEYOND));
      },
    });
    const command = await world.now(id);
    expect(command).toMatchObject({ status: 'done', endedAt: createdAt + 9 });
    expect(steps(command)).toEqual(['queued', 'written', 'accepted', 'done']);
  });

  it('is late if it arrived after the end, though the broker did not live to notice that', async () => {
    const { id, createdAt, database } = await brokerBefore(1000, 'connected');
    const world = await commandWorld({
      database,
      replay: (commands) => commands.result(result(id, 'done', createdAt + 1000, BEYOND)),
    });
    expect(steps(await world.now(id))).toEqual(['queued', 'written', 'expired', 'done (late)']);
  });

  it('changes nothing if the row stands for a later position', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    const { id } = await world.ask();
    await device.answer(id, 'progress', { percent: 10 });
    await world.commands.stop();
    const again = await commandWorld({
      database: world.database,
      replay: (commands) => commands.result(result(id, 'progress', 1, 0)),
    });
    expect(steps(await again.now(id))).toEqual(['queued', 'written', 'progress']);
  });
});
