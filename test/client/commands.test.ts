/** A device executes each command once, in order, and says what became of it (P-5). */
import { describe, expect, it } from 'vitest';
import type { CommandHandler } from '../../client/index.ts';
import { FakeClock } from '../helpers/clock.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { client, deferred, type TestClientOptions } from './harness.ts';

async function greeted(options: Partial<TestClientOptions> = {}) {
  const broker = await fakeBroker();
  const device = client({ url: broker.url, ...options });
  return {
    broker,
    device,
    async start() {
      device.client.start();
      const session = await broker.next();
      await session.greet();
      return session;
    },
  };
}

describe('a command', () => {
  it('is accepted, told how far it is, and done with what its handler returns (P-5.3)', async () => {
    const { device, start } = await greeted();
    device.client.onCommand('set-speed', async (command) => {
      command.progress({ percent: 50, note: 'spinning up' });
      return { rpm: command.args };
    });
    const session = await start();
    session.command('c-1', 'set-speed', 1450);
    expect(await session.result()).toEqual({ id: 'c-1', status: 1, data: null });
    const progress = { percent: 50, note: 'spinning up' };
    expect(await session.result()).toEqual({ id: 'c-1', status: 2, data: progress });
    expect(await session.result()).toEqual({ id: 'c-1', status: 3, data: { rpm: 1450 } });
    expect(device.left('answered').map(({ status }) => status)).toEqual(['accepted', 'progress', 'done']);
  });

  it('fails with the message of what its handler throws', async () => {
    const { device, start } = await greeted();
    device.client.onCommand('start', () => {
      throw new Error('The valve is stuck.');
    });
    const session = await start();
    session.command('c-1', 'start');
    expect((await session.result()).status).toBe(1);
    expect(await session.result()).toEqual({
      id: 'c-1',
      status: 4,
      data: { reason: 'The valve is stuck.' },
    });
  });

  it('is rejected by its handler with a reason, and what the handler does then changes nothing', async () => {
    const { device, start } = await greeted();
    const handler: CommandHandler = async (command) => {
      command.reject('Locked by a person on site.');
      command.progress({ percent: 1 });
      return 'ignored';
    };
    device.client.onCommand('start', handler, { accept: 'manual' });
    device.client.onCommand('stop', (command) => {
      command.reject({ code: 7 });
    });
    const session = await start();
    session.command('c-1', 'start');
    session.command('c-2', 'stop');
    const reason = 'Locked by a person on site.';
    expect(await session.result()).toEqual({ id: 'c-1', status: 5, data: { reason } });
    expect((await session.result()).status).toBe(1);
    expect(await session.result()).toEqual({ id: 'c-2', status: 5, data: { code: 7 } });
  });

  it('that nobody handles is rejected, or goes to the fallback', async () => {
    const { device, start } = await greeted();
    const session = await start();
    session.command('c-1', 'dance');
    const reason = 'this device knows no command "dance"';
    expect(await session.result()).toEqual({ id: 'c-1', status: 5, data: { reason } });
    const takeAway = device.client.onUnknownCommand(({ name }) => `tried to ${name}`);
    session.command('c-2', 'dance');
    expect((await session.result()).status).toBe(1);
    expect(await session.result()).toMatchObject({ status: 3, data: 'tried to dance' });
    takeAway();
    session.command('c-3', 'dance');
    expect((await session.result()).status).toBe(5);
  });

  it('is accepted when its handler says so, if that is how it was registered', async () => {
    const { device, start } = await greeted();
    const decision = deferred<void>();
    const handler: CommandHandler = async (command) => {
      await decision.promise;
      command.accept();
      command.accept();
    };
    device.client.onCommand('open', handler, { accept: 'manual' });
    const session = await start();
    session.command('c-1', 'open');
    await device.next('command');
    expect(session.frames.left).toEqual([]);
    decision.resolve();
    expect(await session.result()).toMatchObject({ status: 1 });
    expect(await session.result()).toMatchObject({ status: 3, data: null });
  });

  it('fails if its handler returns what no frame can carry', async () => {
    const { device, start } = await greeted();
    device.client.onCommand('read', () => Number.NaN);
    const session = await start();
    session.command('c-1', 'read');
    await session.result();
    const { status, data } = await session.result();
    expect(status).toBe(4);
    expect(JSON.stringify(data)).toContain('It was done, but what it gave back fits no frame: NaN');
  });

  it('ends before its handler does, where the handler ends the device', async () => {
    const { device, start } = await greeted();
    device.client.onCommand('reboot', async (command) => {
      command.done();
      await device.client.stop({ drain: 60_000 });
    });
    const session = await start();
    session.command('c-1', 'reboot');
    expect(await session.result()).toMatchObject({ status: 1 });
    expect(await session.result()).toMatchObject({ status: 3 });
    expect(await session.closed).toBe(1000);
    await device.next('ended');
  });
});

describe('several commands', () => {
  it('are executed one after the other, in the order in which they came, and accepted at once', async () => {
    const { device, start } = await greeted();
    const first = deferred<string>();
    device.client.onCommand('slow', () => first.promise);
    device.client.onCommand('quick', () => 'quick');
    const session = await start();
    session.command('c-1', 'slow');
    session.command('c-2', 'quick');
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 1 });
    expect(await session.result()).toMatchObject({ id: 'c-2', status: 1 });
    first.resolve('slow');
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 3, data: 'slow' });
    expect(await session.result()).toMatchObject({ id: 'c-2', status: 3, data: 'quick' });
  });

  it('are executed side by side, as many as asked for', async () => {
    const { device, start } = await greeted({ commands: { concurrency: 2 } });
    const ends = [deferred<void>(), deferred<void>(), deferred<void>()];
    const begun: unknown[] = [];
    device.client.onCommand('work', async ({ args }) => {
      begun.push(args);
      await ends[args as number]?.promise;
    });
    const session = await start();
    for (const number of [0, 1, 2]) session.command(`c-${number}`, 'work', number);
    for (const id of ['c-0', 'c-1', 'c-2']) expect(await session.result()).toMatchObject({ id, status: 1 });
    expect(begun).toEqual([0, 1]);
    ends[1]?.resolve();
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 3 });
    expect(begun).toEqual([0, 1, 2]);
  });

  it('fail if their time has run out before it is their turn; with a ttl of 0 at once (P-5.4)', async () => {
    const clock = new FakeClock();
    const { device, start } = await greeted({ clock });
    const end = deferred<void>();
    device.client.onCommand('work', () => end.promise as Promise<undefined>);
    const session = await start();
    session.command('c-1', 'work', null, 0);
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 1 });
    session.command('c-2', 'work', null, 5000);
    expect(await session.result()).toMatchObject({ id: 'c-2', status: 1 });
    session.command('c-3', 'work', null, 0);
    const busy = 'too late: the device was busy, and a ttl of 0 means now or never';
    expect(await session.result()).toEqual({ id: 'c-3', status: 5, data: { reason: busy } });
    clock.advance(5000);
    end.resolve();
    expect(await session.result()).toMatchObject({ id: 'c-1', status: 3 });
    const late = 'too late: its ttl ran out before the device could start it';
    expect(await session.result()).toEqual({ id: 'c-2', status: 4, data: { reason: late } });
  });

  it('are turned away when a hundred wait', async () => {
    const { device, start } = await greeted();
    const end = deferred<void>();
    device.client.onCommand('work', () => end.promise as Promise<undefined>);
    const session = await start();
    for (let number = 0; number <= 101; number += 1) session.command(`c-${number}`, 'work');
    for (let number = 0; number <= 100; number += 1)
      expect(await session.result()).toMatchObject({ id: `c-${number}`, status: 1 });
    expect(await session.result()).toMatchObject({ id: 'c-101', status: 5 });
  });

  it('that wait when the device stops fail with that reason; the one that runs is waited for', async () => {
    const { device, start } = await greeted();
    const end = deferred<void>();
    device.client.onCommand('work', () => end.promise as Promise<undefined>);
    const session = await start();
    session.command('c-1', 'work');
    session.command('c-2', 'work');
    for (const id of ['c-1', 'c-2']) expect(await session.result()).toMatchObject({ id, status: 1 });
    void device.client.stop({ drain: 1000 });
    expect(device.client.state).toBe('live');
    void device.client.stop();
    const reason = 'the device stopped before it could start it';
    expect(await session.result()).toEqual({ id: 'c-2', status: 4, data: { reason } });
    await session.closed;
    end.resolve();
    await device.next('ended');
    expect(device.left('answered').map(({ id }) => id)).toEqual(['c-1', 'c-2', 'c-2']);
  });
});

describe('a handler', () => {
  it('has a name that a command can have, and is the only one of its name', async () => {
    const { device } = await greeted();
    expect(() => device.client.onCommand('set speed', () => undefined)).toThrow(TypeError);
    const takeAway = device.client.onCommand('start', () => undefined);
    expect(() => device.client.onCommand('start', () => undefined)).toThrow('has a handler already');
    takeAway();
    device.client.onCommand('start', () => undefined);
  });
});
