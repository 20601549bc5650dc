/** A cut loses nothing and counts nothing twice: the client drops what arrived and sends the rest again (P-3.2). */
import { expect, it } from 'vitest';
import { NotDurable } from '../../client/index.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { startedClient } from './harness.ts';

it('shows its key and its name, says hello, and sends what was handed in before', async () => {
  const broker = await fakeBroker();
  const options = { fields: ['temp'], model: 'P7', firmware: '1.2', ackWithin: 0, meta: { site: 'north' } };
  const pump = startedClient({ url: broker.url, boot: 77, ...options });
  pump.client.send([21.5]);

  const session = await broker.next();
  expect(session.request.url).toBe('/v1/device?device=pump-7');
  expect(session.request.headers).toMatchObject({
    authorization: 'Bearer sbx_test',
    'sec-websocket-protocol': 'signalbox.v1',
  });
  expect(session.request.headers['sec-websocket-extensions']).toBeUndefined();
  expect(await session.greet()).toMatchObject({ boot: 'u77', ...options });
  expect(await pump.next('resumed')).toEqual({ durable: 0, held: 1, resent: 0 });
  expect(pump.client.state).toBe('live');
  expect(await session.data()).toMatchObject({ seq: 1, names: ['temp'], values: [21.5] });
});

it('drops what is held and sends the rest again, in order, after a cut (P-3.2)', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  const first = await broker.next();
  await first.greet();
  for (let value = 1; value <= 5; value += 1) pump.client.send({ value });
  expect(await first.seqs(5)).toEqual([1, 2, 3, 4, 5]);
  first.ack(2);
  expect((await pump.next('acknowledged')).frames.map(({ seq }) => seq)).toEqual([1, 2]);

  first.cut();
  const { retryIn } = await pump.next('disconnected');
  expect(pump.client.state).toBe('waiting');
  pump.client.send({ value: 6 });
  pump.clock.advance(retryIn ?? 0);

  const second = await broker.next();
  await second.greet(3);
  expect((await pump.next('acknowledged')).seq).toBe(3);
  expect(await second.seqs(3)).toEqual([4, 5, 6]);
  expect(pump.left('resumed').at(-1)).toEqual({ durable: 3, held: 3, resent: 2 });
  second.ack(6);
  await pump.client.durable();
  expect(pump.client.held).toEqual({ frames: 0, bytes: 0 });
});

it('keeps the window that the welcome asks for (P-3.1)', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  for (let value = 1; value <= 10; value += 1) pump.client.send({ value });
  const session = await broker.next();
  await session.greet(0, { limits: { window: 4 } });
  expect(await session.seqs(4)).toEqual([1, 2, 3, 4]);
  session.ack(3);
  expect(await session.seqs(3)).toEqual([5, 6, 7]);
  expect(session.frames.left).toEqual([]);
});

it('sends nothing before the broker has said how far it has come', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  pump.client.send({ temp: 1 });
  const session = await broker.next();
  session.welcome();
  await session.frames.next();
  expect(pump.client.state).toBe('greeting');
  expect(session.frames.left).toEqual([]);
  session.ack(1000);
  await pump.next('resumed');
  // An ack can only be for what was sent: this one is for an earlier client of the same boot, whose seqs are used up.
  expect(await session.data()).toMatchObject({ seq: 1 });
  expect((await pump.next('fault')).message).toContain('The broker holds frame 1000 of this boot');
});

it('gives up a frame that the broker refuses, and keeps one that it only has advice for (P-2.3, P-4.5)', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  const session = await broker.next();
  await session.greet();
  const refused = pump.client.durable(pump.client.send({ one: 1 }));
  const kept = pump.client.durable(pump.client.send({ two: 2 }));
  await session.seqs(2);
  session.error('clock-ahead', 2);
  session.error('too-many-metrics', 1);
  await expect(refused).rejects.toThrow(NotDurable);
  expect(await pump.next('dropped')).toMatchObject({ seqs: [1], reason: 'rejected' });
  expect(pump.left('error').map(({ code }) => code)).toEqual(['clock-ahead', 'too-many-metrics']);
  session.ack(2);
  await kept;
});

it('settles every promise when it is stopped', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  const promise = pump.client.durable(pump.client.send({ temp: 1 }));
  const outcome = expect(promise).rejects.toThrow('The client was stopped.');
  await pump.client.stop();
  await outcome;
  await expect(pump.client.durable()).rejects.toThrow(NotDurable);
  expect(pump.client.state).toBe('ended');
  expect(pump.clock.pending).toBe(0);
  expect(() => pump.client.send({ temp: 2 })).toThrow('stopped');
  expect(pump.client.stop()).toBe(pump.client.stop());
});

it('drains before it stops, if asked to', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  const session = await broker.next();
  await session.greet();
  pump.client.send({ temp: 1 });
  const stopped = pump.client.stop({ drain: 5000 });
  await session.data();
  expect(pump.client.state).toBe('live');
  session.ack(1);
  await stopped;
  expect(await session.closed).toBe(1000);
  expect(pump.left('ended')).toEqual([{ reason: 'stopped' }]);
});

it('drains what came before a frame that is given up meanwhile', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  const session = await broker.next();
  await session.greet();
  for (const number of [1, 2, 3]) pump.client.send({ number });
  await session.seqs(3);
  const stopped = pump.client.stop({ drain: 5000 });
  session.error('too-many-metrics', 3);
  await pump.next('dropped');
  session.ack(2);
  await stopped;
  expect(pump.left('acknowledged').flatMap(({ frames }) => frames.map(({ seq }) => seq))).toEqual([1, 2]);
});
