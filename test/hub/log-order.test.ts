/** What comes out of the log changes a device, in log order and once, whoever wrote it and whatever the clock was set to. */
import { describe, expect, it } from 'vitest';
import { steadyArrival } from '../../broker/hub/telemetry/apply.ts';
import { SourceHandle } from '../../broker/store/batch.ts';
import { encodeBatch, encodeTelemetry } from '../../broker/wire/encode.ts';
import { RestartWorld } from './restart-world.ts';

const MINUTE = 60_000;

const values = ({ life }: RestartWorld, device = 'pump') =>
  Object.fromEntries(
    [...(life.fleet.find('acme', device)?.metrics.changedSince(0) ?? [])].map(({ name, value }) => [
      name,
      value,
    ]),
  );

async function report(world: RestartWorld, bytes: Uint8Array): Promise<void> {
  world.life.send('pump', 'u1', bytes);
  await world.life.ingest.flushed();
}

describe('a clock that is set back', () => {
  it.each(['stop', 'kill'] as const)('does not make newer data look older after a %s', async (end) => {
    const world = await new RestartWorld().start();
    const first = world.clock.now();
    await report(world, encodeTelemetry(1, null, { x: 1, y: 1 }));
    world.clock.setWall(first - 5 * MINUTE);
    await world[end]();
    await report(world, encodeTelemetry(2, null, { x: 2 }));
    await report(
      world,
      encodeBatch(3, null, [
        [0, { y: 2 }],
        [10, { y: 3 }],
      ]),
    );
    expect(values(world)).toEqual({ x: 2, y: 3 });
    for (const again of ['kill', 'stop', 'kill'] as const) {
      await world[again]();
      await report(world, encodeTelemetry(null, null, { x: 3 }));
      expect(values(world)).toEqual({ x: 3, y: 3 });
    }
    const pump = world.life.fleet.find('acme', 'pump');
    // What people see of freshness is when it came.
    expect([(pump?.lastDataAt ?? 0) < first, pump?.newestArrival]).toEqual([true, first]);
  });

  it('is believed when it was wrong before: the future does not hold what comes now', async () => {
    const world = await new RestartWorld().start();
    const right = world.clock.now();
    world.clock.setWall(right + 60 * MINUTE);
    await report(world, encodeTelemetry(1, null, { x: 1 }));
    world.clock.setWall(right);
    await world.kill();
    await report(world, encodeTelemetry(2, null, { x: 2 }));
    expect(values(world)).toEqual({ x: 2 });
    const [x] = [...(world.life.fleet.find('acme', 'pump')?.metrics.changedSince(0) ?? [])];
    expect(x?.at).toBe(world.clock.now());
  });

  it('by ten minutes at most is taken for a step', () => {
    expect(steadyArrival(1000, 1000 + 10 * MINUTE)).toBe(1000 + 10 * MINUTE);
    expect(steadyArrival(1000, 1001 + 10 * MINUTE)).toBe(1000);
    expect(steadyArrival(1000, 0)).toBe(1000);
  });
});

it('P-4.3: a frame that the log holds twice counts once, also when another connection sent it', async () => {
  const world = await new RestartWorld().start();
  await report(world, encodeTelemetry(1, null, { x: 1 }));
  await report(world, encodeTelemetry(2, null, { x: 2 }));
  await world.log.stop();
  await world.log.start();
  const { batch } = world.log;
  const source = new SourceHandle({
    customer: 'acme',
    device: 'pump',
    session: 'b',
    boot: 'u1',
    fields: null,
  });
  batch.add(source, world.clock.now(), encodeTelemetry(1, null, { x: 1 }));
  batch.add(source, world.clock.now(), encodeTelemetry(3, null, { y: 3 }));
  await world.log.append(...batch.take());
  for (const end of ['kill', 'stop', 'kill'] as const) {
    await world[end]();
    expect(values(world)).toEqual({ x: 2, y: 3 });
    expect(world.life.fleet.find('acme', 'pump')?.boots.enter('u1').durable).toBe(3);
  }
});

describe('the runs of a device', () => {
  it('are remembered as before by the next life, also when the connection of a forgotten one ends late', async () => {
    const world = await new RestartWorld().start();
    for (let run = 1; run <= 10; run += 1) {
      world.life.send('pump', `u${run}`, encodeTelemetry(run, null, { x: run }));
      await world.life.ingest.flushed();
    }
    const device = world.life.fleet.obtain('acme', 'pump');
    const ofFirst = { customer: 'acme', device: 'pump', session: '1.1', boot: 'u1' };
    const late = {
      ...ofFirst,
      device,
      progress: { accepted: 1, durable: 1 },
      source: new SourceHandle({ ...ofFirst, fields: null }),
      durable: () => {},
      introduced: () => {},
    };
    const end = { type: 'ended', reason: 'device-closed', sleep: null } as const;
    world.life.ingest.acceptSession(late, end, world.clock.now());
    await world.life.ingest.flushed();
    const runs = () =>
      [...(world.life.fleet.find('acme', 'pump')?.boots.entries() ?? [])].map(([boot, { durable }]) => [
        boot,
        durable,
      ]);
    const before = runs();
    expect(before).toEqual([3, 4, 5, 6, 7, 8, 9, 10].map((run) => [`u${run}`, run]));
    await world.kill();
    expect(runs()).toEqual(before);
    await world.stop();
    expect(runs()).toEqual(before);
  });
});
