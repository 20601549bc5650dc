/** Simulated devices answer commands and apply desired values, and what they do shows in what they measure. */
import { describe, expect, it } from 'vitest';
import { FRAME, type ResultFrame, type Value } from '../../broker/wire/frames.ts';
import type { ProfileName } from '../../device-sim/profiles/index.ts';
import { type SimulationOptions, simulate } from '../../device-sim/run.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type FakeSession, fakeBroker } from '../helpers/fake-broker.ts';

type Result = Pick<ResultFrame, 'id' | 'status' | 'data'>;

/** One device that is connected and measures only when the clock is moved. */
async function device(profile: ProfileName, options: Partial<SimulationOptions> = {}) {
  const broker = await fakeBroker();
  const clock = new FakeClock();
  const executed: string[] = [];
  const simulation = simulate({
    url: broker.url,
    keys: [{ customer: 'acme', key: 'sbx_acme' }],
    devices: 1,
    rate: 1,
    profiles: [profile],
    drain: 0,
    onExecuted: (name, id) => executed.push(`${name} ${id}`),
    clock,
    ...options,
  });
  simulation.start();
  clock.advance(20);
  const session = await broker.next();
  await session.greet();
  return { session, clock, simulation, executed };
}

/** Moves the clock until the results are there that are waited for; returns every result and telemetry on the way. */
async function results(session: FakeSession, clock: FakeClock, finals: number) {
  const said: Result[] = [];
  const measured: Readonly<Record<string, Value>>[] = [];
  while (said.filter(({ status }) => status >= 3).length < finals) {
    clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
    while (session.frames.left.length > 0) {
      const frame = await session.frames.next();
      if (frame.kind === FRAME.result) said.push({ id: frame.id, status: frame.status, data: frame.data });
      if (frame.kind === FRAME.telemetry)
        measured.push(Object.fromEntries(frame.names.map((name, at) => [name, frame.values[at] ?? null])));
    }
  }
  return { said, measured };
}

const statuses = (said: readonly Result[], id: string) =>
  said.filter((result) => result.id === id).map(({ status }) => status);

describe('a simulated device', () => {
  it('accepts, tells how far it is, and does what was asked, in the order of the commands', async () => {
    const { session, clock, executed, simulation } = await device('thermostat');
    session.command('c-1', 'set-target', { celsius: 27 });
    session.command('c-2', 'set-target', { celsius: 6 });
    const { said } = await results(session, clock, 2);
    expect(statuses(said, 'c-1')).toEqual([1, 2, 3]);
    expect(said.filter(({ status }) => status === 3)).toEqual([
      { id: 'c-1', status: 3, data: { setpoint: 27 } },
      { id: 'c-2', status: 3, data: { setpoint: 6 } },
    ]);
    expect(executed).toEqual(['acme/thermostat-1 c-1', 'acme/thermostat-1 c-2']);
    clock.advance(2000);
    let frame = await session.frames.next();
    while (frame.kind !== FRAME.telemetry || frame.values[1] !== 6) frame = await session.frames.next();
    expect(simulation.report().commands).toMatchObject({ received: 2, accepted: 2, done: 2, executed: 2 });
    await simulation.stop();
  });

  it('refuses what cannot be, and what it does not know', async () => {
    const { session, clock } = await device('pump');
    session.command('c-1', 'set-speed', { rpm: 'fast' });
    session.command('c-2', 'fly');
    const { said } = await results(session, clock, 2);
    const reason = 'rpm must be a number from 500 to 3000';
    expect(said.find(({ id, status }) => id === 'c-1' && status === 5)?.data).toEqual({ reason });
    expect(statuses(said, 'c-2')).toEqual([5]);
  });

  it.each([
    ['pump', ['start', 'stop', 'set-speed']],
    ['thermostat', ['set-target', 'test-window']],
    ['tracker', ['locate', 'immobilize']],
    ['vibration', ['reset-alarm', 'read-wear']],
  ] as const)('%s knows its commands, and those that all know', async (profile, names) => {
    const { session, clock } = await device(profile);
    const all = [...names, 'reboot', 'identify'];
    for (const name of all) session.command(name, name, 1000);
    const { said } = await results(session, clock, all.length);
    for (const name of all) expect(statuses(said, name)).toContain(1);
    expect(JSON.stringify(said)).not.toContain('knows no command');
    expect(said.find(({ id, status }) => id === 'identify' && status === 3)?.data).toHaveProperty('firmware');
  });

  it('executes nothing twice', async () => {
    const { session, clock, executed, simulation } = await device('pump');
    session.command('c-1', 'stop');
    await results(session, clock, 1);
    session.command('c-1', 'stop');
    const { said } = await results(session, clock, 1);
    expect(statuses(said, 'c-1')).toEqual([3]);
    expect(executed).toHaveLength(1);
    expect(simulation.report().commands).toMatchObject({ received: 2, repeated: 1, executed: 1, done: 1 });
  });

  it('fails and is silent as often as asked for, and the same for the same seed', async () => {
    const commands = { failures: 0.3, silence: 0.3, latency: [0, 1] } as const;
    const run = async (seed: number) => {
      const { session, clock, simulation } = await device('pump', { commands, seed });
      for (let number = 0; number < 60; number += 1) session.command(`c-${number}`, 'stop');
      session.command('end', 'fly');
      await results(session, clock, 1);
      for (let passed = 0; passed < 200; passed += 1) {
        clock.advance(20);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return simulation.report().commands;
    };
    const first = await run(7);
    expect(first).toMatchObject({ received: 61, rejected: 1, accepted: first.done + first.failed });
    expect(first.accepted).toBeGreaterThan(30);
    expect(first.accepted).toBeLessThan(54);
    expect(first.failed).toBeGreaterThan(5);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
  });
});

describe('desired values', () => {
  it('change what it does, and it reports what it does now, without the names that it does not know', async () => {
    const { session, clock } = await device('thermostat');
    expect((await session.data()).seq).toBe(1);
    session.desired(3, { interval: 0.1, target: 99, colour: 'red' });
    expect(await session.reported()).toEqual({ version: 3, values: { interval: 0.1, target: 30 } });
    for (let passed = 0; passed < 1000; passed += 20) clock.advance(20);
    const frames = await session.seqs(9);
    expect(frames).toHaveLength(9);
  });
});
