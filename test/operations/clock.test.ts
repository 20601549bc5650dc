/** The machine's clock is set, or the process is stopped for a while: nobody is thrown out and everything is acknowledged. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { systemEnvironment } from '../../broker/main.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { startBroker } from '../helpers/broker.ts';
import { startProcess } from '../helpers/broker-process.ts';
import { connect, type TestDevice } from '../helpers/device.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

async function greeted(url: string, key: string, device: string, boot = 1): Promise<TestDevice> {
  const connected = await connect(url, { key, path: `/v1/device?device=${device}` });
  connected.send(encodeHello({ boot, ackWithin: 0 }));
  await connected.acknowledged(0);
  return connected;
}

it('"The clock was set, and nothing was acknowledged, or everybody was thrown out, and it would not stop"', async () => {
  let wallOffset = 0;
  const clock = { ...systemEnvironment.clock, now: () => Date.now() + wallOffset };
  const config = { devices: { keepalive: 1 } };
  const { broker, url, key } = await startBroker({ environment: { clock }, config });
  const device = await greeted(url, await key('device', 'acme'), 'pump-7');
  let seq = 0;
  for (const step of [-HOUR, 2 * HOUR, 24 * HOUR, -48 * HOUR]) {
    wallOffset += step;
    // Heartbeats go on, and are looked after.
    await once(device.socket, 'ping');
    await once(device.socket, 'ping');
    seq += 1;
    device.send(encodeTelemetry(seq, null, { n: seq }));
    await device.acknowledged(seq);
  }
  const stopped = broker.stop();
  wallOffset -= 24 * HOUR;
  expect((await device.closed).code).toBe(1001);
  await stopped;
});

it('"The clock was ahead by years for a minute, and the values of that minute stayed on the page"', async () => {
  let wallOffset = 0;
  const clock = { ...systemEnvironment.clock, now: () => Date.now() + wallOffset };
  const { broker, url, key } = await startBroker({ environment: { clock } });
  const fleetKey = await key('device', 'acme');
  wallOffset = 10 * YEAR;
  const early = await greeted(url, fleetKey, 'pump-7');
  early.send(encodeTelemetry(1, null, { n: 1, text: 'of the future' }));
  await early.acknowledged(1);
  early.socket.close(1000);
  await early.closed;
  wallOffset = 0;
  const device = await greeted(url, fleetKey, 'pump-7', 2);
  device.send(encodeTelemetry(2, null, { n: 2, text: 'of now' }));
  await device.acknowledged(2);
  const pump = broker.parts.fleet.find('acme', 'pump-7');
  const values = [...(pump?.metrics.changedSince(0) ?? [])];
  expect(values.map(({ name, value }) => [name, value])).toEqual([
    ['n', 2],
    ['text', 'of now'],
  ]);
  for (const at of [values[0]?.at, pump?.lastSeenAt]) expect(at).toBeLessThan(Date.now() + YEAR);
  // What is late by the device's own clock is still late.
  device.send(encodeTelemetry(3, Date.now() - HOUR, { n: 0 }));
  await device.acknowledged(3);
  expect([...(pump?.metrics.changedSince(0) ?? [])]).toMatchObject([{ value: 2 }, { value: 'of now' }]);
});

it('"The process was stopped for a moment, and then every device was ended for silence"', async () => {
  // A connection that is silent for 2.5 of them is ended (P-7.1); so long this process may be held up, too.
  const keepalive = 3;
  const env = { SIGNALBOX_DEVICES_KEEPALIVE: String(keepalive) };
  const broker = await startProcess({ env });
  const key = await broker.deviceKey('acme');
  const devices = await Promise.all(
    Array.from({ length: 20 }, (_, index) => greeted(broker.url, key, `d${index}`)),
  );
  const closes: number[] = [];
  for (const { closed } of devices) void closed.then(({ code }) => closes.push(code));
  for (let round = 0; round < 2; round += 1) {
    broker.child.kill('SIGSTOP');
    for (const device of devices) {
      for (let seq = round * 10 + 1; seq <= round * 10 + 10; seq += 1)
        device.send(encodeTelemetry(seq, null, { n: seq }));
    }
    // Longer than silence is allowed to be: that is what is tried here.
    await pause(keepalive * 3000);
    broker.child.kill('SIGCONT');
    await Promise.all(devices.map((device) => device.acknowledged(round * 10 + 10)));
  }
  expect(closes).toEqual([]);
  expect(await broker.stop()).toBe(0);
});
