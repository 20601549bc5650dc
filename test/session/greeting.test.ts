import { describe, expect, it } from 'vitest';
import { encodeBatch, encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { startBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';

async function state(url: string, key: string, device: string) {
  const response = await fetch(`${url}/api/v1/devices/${device}/state`, { headers: { 'X-API-Key': key } });
  return (await response.json()) as {
    online: boolean;
    values: Record<string, { value: unknown; at: number }>;
  };
}

describe('a device connects', () => {
  it('P-3.1: is welcomed at once with its session, the time, the keepalive and its limits', async () => {
    const { url, key } = await startBroker();
    const device = await connect(url, { key: await key('device', 'acme', 'pump-7') });
    expect(await device.next()).toEqual({
      kind: FRAME.welcome,
      session: expect.stringMatching(/^[\w-]{12}$/),
      time: expect.any(Number),
      keepalive: 30,
      limits: { frameBytes: 65536, framesPerSecond: 1000, bytesPerSecond: 1048576, window: 1024 },
    });
  });

  it('P-4.2: sends named, positional and batched values, and what is acknowledged is its last-known state', async () => {
    const { url, key } = await startBroker();
    const device = await connect(url, { key: await key('device', 'acme', 'pump-7') });
    await device.next();
    device.send(encodeHello({ boot: 4711, fields: ['temp', 'rpm'], model: 'P7' }));
    expect(await device.next()).toEqual({ kind: FRAME.ack, seq: 0 });
    device.send(encodeTelemetry(1, null, { temp: 21.5 }));
    device.send(encodeTelemetry(2, null, [22, 1450]));
    device.send(
      encodeBatch(3, null, [
        [0, [23]],
        [100, [24, null]],
      ]),
    );
    await device.acknowledged(3);
    const { online, values } = await state(url, await key('viewer', 'acme'), 'acme/pump-7');
    expect(online).toBe(true);
    expect(values).toMatchObject({ temp: { value: 24 }, rpm: { value: 1450 } });
  });

  it('P-3.2: is resumed after a cut: the ack says what is held, and what is sent again counts once', async () => {
    const { url, key, broker } = await startBroker();
    const credentials = { key: await key('device', 'acme', 'pump-7') };
    const first = await connect(url, credentials);
    await first.next();
    first.send(
      encodeHello({ boot: 4711 }),
      encodeTelemetry(1, null, { n: 1 }),
      encodeTelemetry(2, null, { n: 2 }),
    );
    await first.acknowledged(2);
    first.socket.terminate();
    const second = await connect(url, credentials);
    await second.next();
    second.send(encodeHello({ boot: 4711 }));
    expect(await second.next()).toEqual({ kind: FRAME.ack, seq: 2 });
    second.send(encodeTelemetry(2, null, { n: 99 }), encodeTelemetry(3, null, { m: 3 }));
    await second.acknowledged(3);
    const { values } = await state(url, await key('viewer', 'acme'), 'acme/pump-7');
    expect(values).toMatchObject({ n: { value: 2 }, m: { value: 3 } });
    expect(broker.parts.counters.framesCommitted).toBe(3);
  });

  it('P-1.6: the newest connection wins, and the older one is told why', async () => {
    const { url, key } = await startBroker();
    const credentials = { key: await key('device', 'acme', 'pump-7') };
    const old = await connect(url, credentials);
    const newer = await connect(url, credentials);
    await newer.next();
    newer.send(encodeHello({ boot: 4711 }));
    expect(await old.closed).toEqual({ code: 4001, reason: expect.stringContaining('newer connection') });
    // The API knows a device once its opening is committed, which the answer to hello implies.
    await newer.acknowledged(0);
    const { online } = await state(url, await key('viewer', 'acme'), 'acme/pump-7');
    expect(online).toBe(true);
  });
});
