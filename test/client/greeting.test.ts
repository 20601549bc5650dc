/** What a device does when the broker refuses what it says (P-3.2, P-8), and how it goes to sleep (P-7.5). */
import { describe, expect, it } from 'vitest';
import { FRAME } from '../../broker/wire/frames.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { client, reconnected, startedClient } from './harness.ts';

describe('a device whose hello is refused (P-3.2)', () => {
  it('sends it again with what it cannot do without, says so, and goes on', async () => {
    const broker = await fakeBroker();
    const device = startedClient({
      url: broker.url,
      boot: 7,
      fields: ['temp'],
      model: 'P7',
      maxFrame: 1024,
      meta: { site: 'north' },
    });
    const session = await broker.next();
    session.welcome();
    expect(await session.frames.next()).toMatchObject({ kind: FRAME.hello, model: 'P7', maxFrame: 1024 });
    session.error('bad-hello');
    expect(await device.next('error')).toMatchObject({ code: 'bad-hello' });
    expect(await session.frames.next()).toEqual({
      kind: FRAME.hello,
      boot: 'u7',
      fields: ['temp'],
      model: null,
      firmware: null,
      ackWithin: null,
      maxFrame: 1024,
      meta: null,
    });
    session.ack(0);
    expect((await device.next('fault')).message).toContain('bad-hello');
    expect(device.client.state).toBe('live');
    device.client.send([21.5]);
    expect(await session.seqs(1)).toEqual([1]);
  });

  it('gives up the connection when that is refused, too, and does not hammer', async () => {
    const broker = await fakeBroker();
    const device = startedClient({ url: broker.url, boot: 7 });
    const session = await broker.next();
    session.welcome();
    await session.frames.next();
    session.error('bad-hello');
    await session.frames.next();
    session.error('bad-hello');
    expect(await session.closed).toBe(4400);
    const { retryIn } = await device.next('disconnected');
    expect(retryIn).toBeGreaterThanOrEqual(60_000);
  });
});

describe('what is refused', () => {
  it('is not sent again: a result whose command the broker does not know (P-8)', async () => {
    const broker = await fakeBroker();
    const device = client({ url: broker.url });
    device.client.onCommand('open', () => {});
    device.client.start();
    const session = await broker.next();
    await session.greet();
    for (const id of ['c-1', 'c-2']) {
      session.command(id, 'open');
      await session.result();
      await session.result();
    }
    session.error('unknown-command', null, 'c-1');
    await device.next('error');
    const second = await reconnected(broker, device, session);
    await second.greet();
    expect(await second.result()).toMatchObject({ id: 'c-2', status: 3 });
    device.client.send({ temp: 1 });
    expect(await second.seqs(1)).toEqual([1]);
  });

  it.each(['unknown-version', 'bad-reported'])(
    'is not sent again: a report, after %s (P-6.1)',
    async (code) => {
      const broker = await fakeBroker();
      const device = startedClient({ url: broker.url });
      const session = await broker.next();
      await session.greet();
      device.client.report(9, { interval: 5 });
      await session.reported();
      session.error(code);
      await device.next('error');
      const second = await reconnected(broker, device, session);
      await second.greet();
      device.client.send({ temp: 1 });
      expect(await second.seqs(1)).toEqual([1]);
    },
  );
});

describe('a device that goes to sleep (P-7.5)', () => {
  it.each([
    [3600, 'sleep 3600'],
    [0.5, 'sleep 1'],
    [true, 'sleep'],
    [false, 'stopped'],
  ])('for %s s closes with 1000 and the reason %j', async (sleep, reason) => {
    const broker = await fakeBroker();
    const device = startedClient({ url: broker.url });
    const session = await broker.next();
    await session.greet();
    await device.next('resumed');
    const closed = new Promise((resolve) =>
      session.socket.once('close', (code, said) => resolve([code, String(said)])),
    );
    await device.client.stop({ sleep });
    expect(await closed).toEqual([1000, reason]);
  });

  it('cannot sleep for what is no time', () => {
    const device = client({ url: 'http://127.0.0.1:1' });
    for (const sleep of [-1, Number.NaN, 1e9]) expect(() => device.client.stop({ sleep })).toThrow(TypeError);
  });
});
