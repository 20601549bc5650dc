/** How a command comes to its device (P-5.2, P-5.4, P-3.3). */
import { describe, expect, it } from 'vitest';
import { encodeHello } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { commandWorld, rest, steps } from './world.ts';

describe('a device that is connected', () => {
  it('has the command with what is left of its ttl, and answers step by step', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    const { id } = await world.ask({ name: 'set-speed', args: { rpm: 1450 } });
    expect(device.commands()).toEqual([
      { kind: FRAME.command, id, name: 'set-speed', args: { rpm: 1450 }, ttl: 60_000 },
    ]);
    await device.answer(id, 'accepted');
    await device.answer(id, 'progress', { percent: 50 });
    await device.answer(id, 'done', { rpm: 1450 });
    const command = await world.now(id);
    expect(command).toMatchObject({ status: 'done', attempts: 1, result: { rpm: 1450 } });
    expect(steps(command)).toEqual(['queued', 'written', 'accepted', 'progress', 'done']);
    expect(command.timeline[1]).toMatchObject({ session: 's1', attempt: 1 });
  });

  it('gets commands in the order in which they were asked for', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    const asked = await Promise.all(['a', 'b', 'c', 'd'].map((name) => world.ask({ name })));
    expect(device.commands().map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    expect(asked.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  it('gets a few at a time, and the next when it has accepted one or said how it ended', async () => {
    const world = await commandWorld({ limits: { inFlight: 2 } });
    const device = await world.connect();
    for (const name of ['a', 'b', 'c', 'd']) await world.ask({ name, id: name });
    expect(device.commands().map(({ id }) => id)).toEqual(['a', 'b']);
    const waiting = await world.now('c');
    expect(world.commands.waitingFor(waiting)).toMatch(/earlier commands/);
    await device.answer('b', 'accepted');
    expect(device.commands().map(({ id }) => id)).toEqual(['c']);
    await device.answer('a', 'rejected');
    expect(device.commands().map(({ id }) => id)).toEqual(['d']);
  });

  it('is told 1 ms at least: 0 would mean now or never', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    await world.ask({ ttl: 0.5 });
    expect(device.commands()[0]?.ttl).toBeGreaterThan(0);
  });
});

describe('a device that has just connected', () => {
  it('gets commands after its hello, oldest first', async () => {
    const world = await commandWorld();
    world.known();
    await world.ask({ id: 'a' });
    await world.ask({ id: 'b' });
    const { session, transport } = world.open('s1');
    await rest();
    expect(transport.take().map(({ kind }) => kind)).toEqual([FRAME.welcome]);
    session.receive(encodeHello({ boot: 7 }));
    await rest();
    const sent = transport.take();
    expect(sent.map(({ kind }) => kind)).toEqual([FRAME.ack, FRAME.command, FRAME.command]);
    expect(sent.flatMap((frame) => (frame.kind === FRAME.command ? [frame.id] : []))).toEqual(['a', 'b']);
  });

  it('gets them after two seconds if it says nothing, and may still say hello', async () => {
    const world = await commandWorld();
    world.known();
    await world.ask({ id: 'a' });
    const { session, transport } = world.open('s1');
    await world.pass(1000);
    expect(transport.sent.some(({ kind }) => kind === FRAME.command)).toBe(false);
    await world.pass(2000);
    expect(transport.sent.filter(({ kind }) => kind === FRAME.command)).toHaveLength(1);
    session.receive(encodeHello({ boot: 7 }));
    await rest();
    expect(transport.take().map(({ kind }) => kind)).toEqual([FRAME.welcome, FRAME.command, FRAME.ack]);
  });
});

describe('a command that no device accepts', () => {
  it('is written again after the same wait, whatever the wall clock is set to', async () => {
    const world = await commandWorld({ limits: { acceptanceSeconds: 10 } });
    const device = await world.connect();
    await world.ask({ ttl: 86_400_000 });
    expect(device.commands()).toHaveLength(1);
    for (const step of [-3_600_000, 7_200_000]) {
      world.clock.setWall(world.clock.now() + step);
      await world.pass(9999);
      expect(device.commands()).toHaveLength(0);
      await world.pass(1);
      expect(device.commands()).toHaveLength(1);
    }
  });

  it('has a longer ttl in no clock that was set back', async () => {
    const world = await commandWorld();
    world.known();
    const { id } = await world.ask({ ttl: 60_000 });
    world.clock.setWall(world.clock.now() - 3_600_000);
    const device = await world.connect();
    expect(device.commands()).toMatchObject([{ id, ttl: 60_000 }]);
    await world.pass(60_000);
    expect(await world.now(id)).toMatchObject({ status: 'expired' });
  });

  it('was perhaps accepted while the process was stopped: that is read before it is written again', async () => {
    const world = await commandWorld({ limits: { acceptanceSeconds: 10 } });
    const device = await world.connect();
    const { id } = await world.ask({ ttl: 86_400_000 });
    expect(device.commands()).toHaveLength(1);
    world.clock.freeze(3_600_000);
    await world.pass(0);
    await device.answer(id, 'accepted');
    await world.pass(20_000);
    expect(device.commands()).toHaveLength(0);
    expect(await world.now(id)).toMatchObject({ status: 'accepted', attempts: 1 });
  });

  it('is written again when acceptance does not come in time, five times in all, and then it has failed', async () => {
    const world = await commandWorld({ limits: { acceptanceSeconds: 10 } });
    const device = await world.connect();
    const { id } = await world.ask({ ttl: 3_600_000 });
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect(device.commands()).toHaveLength(1);
      expect(world.commands.waitingFor(await world.now(id))).toBe(
        `waiting for acceptance, attempt ${attempt} of 5`,
      );
      await world.pass(10_000);
    }
    expect(device.commands()).toEqual([]);
    const command = await world.now(id);
    expect(command).toMatchObject({ status: 'failed', attempts: 5 });
    expect(command.timeline.at(-1)?.reason).toMatch(/did not accept it.*5 times/);
  });

  it('counts an attempt for each connection that it was written to', async () => {
    const world = await commandWorld();
    const first = await world.connect();
    const { id } = await world.ask();
    await first.disconnect();
    const second = await world.connect();
    expect([first, second].map((device) => device.commands().length)).toEqual([1, 1]);
    await second.answer(id, 'accepted');
    await second.disconnect();
    const third = await world.connect();
    expect(third.commands()).toEqual([]);
    const { timeline } = await world.now(id);
    const attempts = timeline.filter(({ status }) => status === 'written');
    expect(attempts.map(({ session, attempt }) => [session, attempt])).toEqual([
      ['s1', 1],
      ['s2', 2],
    ]);
  });
});

describe('now or never (P-5.4)', () => {
  it('fails at once when the device is away, and says so', async () => {
    const world = await commandWorld();
    world.known();
    const command = await world.ask({ ttl: 0 });
    expect(command).toMatchObject({ status: 'failed', attempts: 0 });
    expect(command.timeline.at(-1)?.reason).toMatch(/not connected.*now or never/);
    const device = await world.connect();
    expect(device.commands()).toEqual([]);
  });

  it('is written once, with a ttl of 0, and not again after a cut', async () => {
    const world = await commandWorld();
    const device = await world.connect();
    const { id } = await world.ask({ ttl: 0 });
    expect(device.commands()).toMatchObject([{ id, ttl: 0 }]);
    await device.disconnect();
    expect(await world.now(id)).toMatchObject({ status: 'failed' });
    expect((await world.connect()).commands()).toEqual([]);
  });

  it('may take its time once it is accepted', async () => {
    const world = await commandWorld({ limits: { acceptanceSeconds: 5 } });
    const device = await world.connect();
    const { id } = await world.ask({ ttl: 0 });
    await device.answer(id, 'accepted');
    await world.pass(30_000);
    await device.answer(id, 'done');
    expect(await world.now(id)).toMatchObject({ status: 'done' });
  });
});
