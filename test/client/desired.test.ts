/** A device applies desired values and reports them; only the newest that waits counts (P-6). */
import { expect, it } from 'vitest';
import type { ValueMap } from '../../broker/wire/frames.ts';
import { FrameError } from '../../client/index.ts';
import { fakeBroker } from '../helpers/fake-broker.ts';
import { deferred, reconnected, startedClient } from './harness.ts';

async function greeted() {
  const broker = await fakeBroker();
  const device = startedClient({ url: broker.url });
  const session = await broker.next();
  await session.greet();
  return { broker, device, session };
}

it('applies the document and reports the values as they are now', async () => {
  const { device, session } = await greeted();
  device.client.onDesired(async ({ interval }) => ({ interval: Math.max(5, interval as number) }));
  session.desired(3, { interval: 1 });
  expect(await session.reported()).toEqual({ version: 3, values: { interval: 5 } });
  device.client.onDesired(() => undefined);
  session.desired(4, { interval: 10 });
  expect(await session.reported()).toEqual({ version: 4, values: { interval: 10 } });
});

it('skips what a newer version has overtaken while one is applied', async () => {
  const { device, session } = await greeted();
  const ends = new Map<number, ReturnType<typeof deferred<undefined>>>();
  const applied: number[] = [];
  device.client.onDesired((_values: ValueMap, version) => {
    const end = deferred<undefined>();
    ends.set(version, end);
    applied.push(version);
    return end.promise;
  });
  for (const version of [1, 2, 3]) session.desired(version, { target: version });
  for (let count = 0; count < 3; count += 1) await device.next('desired');
  ends.get(1)?.resolve(undefined);
  expect(await session.reported()).toMatchObject({ version: 1 });
  ends.get(3)?.resolve(undefined);
  expect(await session.reported()).toMatchObject({ version: 3 });
  expect(applied).toEqual([1, 3]);
});

it('reports again after a reconnect, without applying again, until an ack covers it', async () => {
  const { broker, device, session } = await greeted();
  let applied = 0;
  device.client.onDesired(() => {
    applied += 1;
    return undefined;
  });
  session.desired(3, { interval: 10 });
  await session.reported();

  const second = await reconnected(broker, device, session);
  await second.greet();
  expect(await second.reported()).toMatchObject({ version: 3 });
  second.desired(3, { interval: 10 });
  expect(await second.reported()).toMatchObject({ version: 3 });
  expect(applied).toBe(1);
  device.client.send({ temp: 1 });
  await second.data();
  second.ack(1);
  await device.next('acknowledged');

  const third = await reconnected(broker, device, second);
  await third.greet(1);
  device.client.send({ temp: 2 });
  expect(await third.data()).toMatchObject({ seq: 2 });
});

it('applies the same version with other values: the broker may have begun anew', async () => {
  const { device, session } = await greeted();
  device.client.onDesired(() => undefined);
  session.desired(1, { interval: 10 });
  expect(await session.reported()).toMatchObject({ values: { interval: 10 } });
  session.desired(1, { interval: 20 });
  expect(await session.reported()).toMatchObject({ values: { interval: 20 } });
});

it('reports nothing of what could not be applied, says why, and tries again when it comes again', async () => {
  const { device, session } = await greeted();
  let tries = 0;
  device.client.onDesired(() => {
    tries += 1;
    if (tries === 1) throw new Error('The bus is down.');
    return undefined;
  });
  session.desired(3, { interval: 10 });
  expect((await device.next('fault')).message).toBe('Desired version 3 was not applied: The bus is down.');
  expect(session.frames.left).toEqual([]);
  session.desired(3, { interval: 10 });
  expect(await session.reported()).toMatchObject({ version: 3 });
});

it('applies what came before there was a handler', async () => {
  const { device, session } = await greeted();
  session.desired(3, { interval: 10 });
  await device.next('desired');
  device.client.onDesired(() => ({ interval: 10 }));
  expect(await session.reported()).toMatchObject({ version: 3 });
});

it('reports by hand, and refuses what the broker would refuse', async () => {
  const { device, session } = await greeted();
  device.client.report(7, { interval: 10 });
  expect(await session.reported()).toEqual({ version: 7, values: { interval: 10 } });
  expect(() => device.client.report(8, { 'not a name': 1 })).toThrow(FrameError);
});
