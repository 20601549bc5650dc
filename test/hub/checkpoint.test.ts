/** What a checkpoint does when something goes wrong in its middle; the rest is in restart-properties.test.ts. */
import { describe, expect, it } from 'vitest';
import { encodeTelemetry } from '../../broker/wire/encode.ts';
import { summaryOf } from './restart-model.ts';
import { nextTurn, RestartWorld } from './restart-world.ts';

async function worldWith(...devices: string[]): Promise<RestartWorld> {
  const world = await new RestartWorld().start();
  for (const device of devices) world.life.send(device, 'u1', encodeTelemetry(1, null, { x: 1 }));
  await world.life.ingest.flushed();
  // The greetings end when their hellos are committed.
  await world.life.ingest.flushed();
  return world;
}

const xOf = ({ life }: RestartWorld) =>
  Object.fromEntries(Object.entries(summaryOf(life.fleet)).map(([device, { values }]) => [device, values.x]));

describe('a checkpoint', () => {
  it('fails loudly, and leaves its position where it was, when a change was kept from it', async () => {
    const world = await worldWith('pump', 'valve');
    const { checkpoint, changes } = world.life;
    changes.drain();
    await expect(checkpoint.run()).rejects.toThrow(
      'The state of acme/pump and 1 other devices was not saved',
    );
    expect(await world.database.checkpointPosition()).toBe(0);
    await checkpoint.run();
    expect(await world.database.checkpointPosition()).toBe(world.life.ingest.position);
    await world.kill();
    expect(xOf(world)).toMatchObject({ pump: { value: 1 }, valve: { value: 1 } });
  });

  it('saves again what a store that failed for a moment did not take', async () => {
    const world = await worldWith('pump');
    world.life.gate.after(0, 'fail');
    await expect(world.life.checkpoint.run()).rejects.toThrow('for a moment');
    world.life.gate.after(Number.POSITIVE_INFINITY, 'hang');
    await world.life.checkpoint.run();
    expect(await world.database.checkpointPosition()).toBe(world.life.ingest.position);
    await world.kill();
    expect(xOf(world)).toMatchObject({ pump: { value: 1 } });
  });

  it('does not bring back a device that is forgotten while it is written', async () => {
    const world = await worldWith('pump');
    const written = world.life.checkpoint.run();
    await world.life.forget('pump');
    await written;
    await world.stop();
    expect(xOf(world)).toEqual({});
  });

  it('holds what comes while it is written no later than the next one does', async () => {
    const world = await worldWith('pump');
    const written = world.life.checkpoint.run();
    world.life.send('pump', 'u1', encodeTelemetry(2, null, { x: 2 }));
    await world.life.ingest.flushed();
    await written;
    await world.life.checkpoint.run();
    await nextTurn();
    await world.kill();
    expect(xOf(world)).toMatchObject({ pump: { value: 2 } });
  });
});
