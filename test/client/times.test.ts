/** A reading keeps its moment, however long it waits: never "on arrival" for what was measured before (P-4.4). */
import { expect, it } from 'vitest';
import { FakeClock } from '../helpers/clock.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { startedClient } from './harness.ts';

const START = 1_780_000_000_000;

it('dates readings when they are handed in, not when they are sent', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  pump.client.send({ now: 1 });
  pump.client.send({ fromUptime: 1 }, { time: -2500 });
  pump.client.send({ fromItsClock: 1 }, { time: 1_700_000_000_000 });
  pump.client.sendBatch([
    [0, { a: 1 }],
    [40, { a: 2 }],
  ]);
  pump.client.sendBatch([[0, { a: 1 }]], { time: -7000 });
  pump.client.sendEvent(4, 'door-open', { door: 2 });
  pump.client.send({ epoch: 1 }, { time: 0 });
  pump.clock.advance(9000);

  const session = await broker.next();
  await session.greet(0, { time: START + 9000 });
  const times: (number | null)[] = [];
  while (times.length < 7) times.push((await session.data()).time);
  expect(times).toEqual([START, START - 2500, 1_700_000_000_000, START - 40, START - 7000, START, 0]);
});

it('learns the time from the welcome where its own clock is unset (P-3.1)', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url, clock: new FakeClock(5000) });
  pump.client.send({ beforeTheClockWasKnown: 1 });
  pump.clock.advance(3000);
  const session = await broker.next();
  await session.greet(0, { time: START });
  await pump.next('resumed');
  pump.client.send({ after: 1 });
  expect([(await session.data()).time, (await session.data()).time]).toEqual([START - 3000, START]);
});

it('keeps its own clock where the difference may be the network’s delay', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  pump.client.send({ temp: 1 });
  const session = await broker.next();
  await session.greet(0, { time: START + 900 });
  expect((await session.data()).time).toBe(START);
});

it('tells the same moment again when a frame is sent again', async () => {
  const broker = await fakeBroker();
  const pump = startedClient({ url: broker.url });
  const first = await broker.next();
  await first.greet(0, { time: START });
  pump.client.send({ temp: 1 });
  expect((await first.data()).time).toBe(START);
  first.cut();
  pump.clock.advance((await pump.next('disconnected')).retryIn ?? 0);
  const second = await broker.next();
  await second.greet(0, { time: START + 1500 });
  expect((await second.data()).time).toBe(START);
});
