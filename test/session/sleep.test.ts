/** P-7.5: a device that sleeps is not one that is lost. */
import { describe, expect, it } from 'vitest';
import { sleepOf } from '../../broker/session/session.ts';
import { encodeHello } from '../../broker/wire/encode.ts';
import type { DeviceList, DeviceSummary } from '../../schemas/api.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';
import { eventually } from '../helpers/eventually.ts';
import { sessionHarness } from '../helpers/session.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const NOW = 1_780_000_000_000;
const YEAR = 366 * 86_400_000;
const PLAIN = { until: null, overdueAt: null };

describe('what a device says as it closes', () => {
  it.each([
    ['sleep', PLAIN],
    ['sleep 3600', { until: NOW + 3_600_000, overdueAt: NOW + 3_960_000 }],
    ['sleep 0', { until: NOW, overdueAt: NOW }],
    ['sleep 999999999999', { until: NOW + YEAR, overdueAt: NOW + YEAR * 1.1 }],
    [`sleep ${'9'.repeat(100)}`, { until: NOW + YEAR, overdueAt: NOW + YEAR * 1.1 }],
    ['sleep -1', PLAIN],
    ['sleep 1e9', PLAIN],
    ['sleep 1.5', PLAIN],
    ['sleep well', PLAIN],
    ['sleepless', null],
    ['Sleep', null],
    ['', null],
    ['stopped', null],
  ])('%j means %j', (said, expected) => {
    expect(sleepOf(said, NOW)).toEqual(expected);
  });

  it('counts only if the broker did not end the connection itself', async () => {
    const { sessions, open, ingest } = sessionHarness();
    const { session, device } = open();
    session.end(4003);
    sessions.closed(session, 'device-closed', 'sleep 60');
    await ingest.flushed();
    expect(device.presence).toMatchObject({ reason: 'key-ended', asleep: null });
  });

  it('counts from the moment in which it is told to have gone, to the millisecond', async () => {
    const { sessions, open, clock, ingest } = sessionHarness();
    const { session, device } = open();
    const now = clock.now.bind(clock);
    let reads = 0;
    clock.now = () => now() + reads++;
    sessions.closed(session, 'device-closed', 'sleep 60');
    await ingest.flushed();
    expect(device.presence.asleep?.until).toBe(device.presence.since + 60_000);
  });

  it('is over when the device comes back', async () => {
    const { sessions, open, clock, counters, ingest } = sessionHarness({ store: { commitSpacing: 0 } });
    const first = open('s1');
    sessions.closed(first.session, 'device-closed', 'sleep 60');
    await ingest.flushed();
    expect(first.device.presence).toMatchObject({
      state: 'offline',
      reason: 'asleep',
      asleep: { until: clock.now() + 60_000 },
    });
    expect([...counters.closes]).toEqual([['asleep', 1]]);
    open('s2');
    await ingest.flushed();
    expect(first.device.presence).toMatchObject({ state: 'online', reason: null, asleep: null });
  });
});

async function ask<Body>({ url, key }: TestBroker, path: string): Promise<Body> {
  const headers = { 'X-API-Key': await key('admin', '*') };
  return (await (await fetch(`${url}/api/v1${path}`, { headers })).json()) as Body;
}

describe('operators', () => {
  it('see until when, also after a restart of the broker, and nothing of it while it is online', async () => {
    const data = temporaryFolder();
    const first = await startBroker({ data });
    const device = await connect(first.url, { key: await first.key('device', 'acme', 'pump') });
    device.send(encodeHello({ boot: 7 }));
    await device.acknowledged(0);
    expect(await ask<DeviceSummary>(first, '/devices/acme/pump')).not.toHaveProperty('asleep');
    device.socket.close(1000, 'sleep 3600');
    await device.closed;
    const seen = () => ask<DeviceSummary>(first, '/devices/acme/pump');
    await eventually(async () => expect((await seen()).online).toBe(false));
    const before = await seen();
    expect(before).toMatchObject({ online: false, presence: { state: 'offline', reason: 'asleep' } });
    const since = before.presence.since ?? 0;
    expect(before.asleep).toEqual({ until: since + 3_600_000, overdueAt: since + 3_960_000 });
    await first.broker.stop();

    const second = await startBroker({ data });
    const { items } = await ask<DeviceList>(second, '/devices');
    expect(items).toMatchObject([{ online: false, asleep: before.asleep, presence: before.presence }]);
  });

  it('see a device that closes with 1000 and another word as closed', async () => {
    const broker = await startBroker();
    const device = await connect(broker.url, { key: await broker.key('device', 'acme', 'pump') });
    device.socket.close(1000, 'stopped');
    await device.closed;
    const seen = () => ask<DeviceSummary>(broker, '/devices/acme/pump');
    await eventually(async () => expect((await seen()).presence.reason).toBe('device-closed'));
    expect(await seen()).not.toHaveProperty('asleep');
  });
});
