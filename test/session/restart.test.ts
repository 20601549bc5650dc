import { describe, expect, it } from 'vitest';
import type { Device } from '../../broker/hub/fleet/device.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { startBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const values = (device: Device | null) =>
  Object.fromEntries(
    [...(device?.metrics.changedSince(0) ?? [])].map(({ name, value, at }) => [name, [value, at]]),
  );

describe('a restart', () => {
  it('keeps keys, last-known state and how far each boot has come', async () => {
    const data = temporaryFolder();
    const first = await startBroker({ data });
    const credentials = { key: await first.key('device', 'acme', 'pump') };
    const device = await connect(first.url, credentials);
    device.send(encodeHello({ boot: 7, model: 'P7' }), encodeTelemetry(1, 1_700_000_000_000, { temp: 21 }));
    device.send(encodeTelemetry(2, 1_700_000_001_000, { rpm: 900 }));
    await device.acknowledged(2);
    await first.broker.stop();
    expect((await device.closed).reason).toMatch(/^reconnect in \d+ ms$/);

    const second = await startBroker({ data });
    const pump = second.broker.parts.fleet.find('acme', 'pump');
    expect(values(pump)).toEqual({ temp: [21, 1_700_000_000_000], rpm: [900, 1_700_000_001_000] });
    expect(pump).toMatchObject({ online: false, description: { model: 'P7' } });
    const again = await connect(second.url, credentials);
    await again.next();
    again.send(encodeHello({ boot: 7 }));
    expect(await again.next()).toEqual({ kind: FRAME.ack, seq: 2 });
  });

  it('brings back what the last checkpoint did not hold, from the log', async () => {
    const data = temporaryFolder();
    const hour = { store: { checkpointSeconds: 3600 } };
    const first = await startBroker({ data, config: hour });
    const device = await connect(first.url, { key: await first.key('device', 'acme', 'pump') });
    device.send(
      encodeHello({ boot: 7, fields: ['temp'] }),
      encodeTelemetry(1, null, [21]),
      encodeTelemetry(2, null, [22]),
    );
    await device.acknowledged(2);
    first.broker.parts.checkpoint.abandon();
    await first.broker.stop();

    const second = await startBroker({ data, config: hour });
    const pump = second.broker.parts.fleet.find('acme', 'pump');
    expect(values(pump)).toEqual({ temp: [22, expect.any(Number)] });
    expect(pump?.boots.enter('u7').durable).toBe(2);
    expect(pump?.lastDataAt).toBeGreaterThan(0);
  });

  it('does not bring a forgotten device back, though the log still holds its frames', async () => {
    const data = temporaryFolder();
    const hour = { store: { checkpointSeconds: 3600 } };
    const first = await startBroker({ data, config: hour });
    for (const id of ['pump', 'valve']) {
      const device = await connect(first.url, { key: await first.key('device', 'acme', id) });
      device.send(encodeTelemetry(1, null, { temp: 21 }));
      await device.acknowledged(1);
    }
    const admin = { 'X-API-Key': await first.key('admin', '*') };
    const answer = await fetch(`${first.url}/api/v1/devices/acme/pump`, { method: 'DELETE', headers: admin });
    expect(answer.status).toBe(204);
    first.broker.parts.checkpoint.abandon();
    await first.broker.stop();

    const second = await startBroker({ data, config: hour });
    expect([...second.broker.parts.fleet.devices('*')].map(({ name }) => name)).toEqual(['acme/valve']);
  });

  it('leaves the data folder to nobody else while it runs, and to the next one after', async () => {
    const data = temporaryFolder();
    const first = await startBroker({ data });
    await expect(startBroker({ data })).rejects.toMatchObject({ code: 'locked' });
    await first.broker.stop();
    await startBroker({ data });
  });

  it('ends connections with 1001 when it stops, and then listens no more', async () => {
    const { url, broker, key } = await startBroker();
    const pump = await key('device', 'acme', 'pump');
    const device = await connect(url, { key: pump });
    const stopped = broker.stop();
    expect((await device.closed).code).toBe(1001);
    await stopped;
    await expect(fetch(`${url}/readyz`)).rejects.toThrow();
  });
});
