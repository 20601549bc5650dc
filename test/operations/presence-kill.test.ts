/**
 * `kill -9` right after somebody was told who is connected, who sleeps and what a device is: after one restart, and after a second
 * one, it is as it was told. Who was connected is away, since when the broker knew it last, and says so each time alike.
 */
import { expect, it } from 'vitest';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import type { DeviceSummary } from '../../schemas/api.ts';
import { type BrokerProcess, startProcess } from '../helpers/broker-process.ts';
import { connect } from '../helpers/device.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const ROUNDS = 6;

const told = (broker: BrokerProcess, id: string) => broker.api<DeviceSummary>(`/devices/acme/${id}`);

async function until(
  broker: BrokerProcess,
  id: string,
  wanted: (device: DeviceSummary) => boolean,
): Promise<DeviceSummary> {
  for (;;) {
    const device = await told(broker, id).catch(() => null);
    if (device && wanted(device)) return device;
  }
}

it('what was told of devices is true after a kill, and after the next', async () => {
  const data = temporaryFolder();
  let broker = await startProcess({ data });
  const key = await broker.deviceKey('acme');
  for (let round = 1; round <= ROUNDS; round += 1) {
    const firmware = `1.${round}`;
    const link = (id: string) => connect(broker.url, { key, path: `/v1/device?device=${id}` });
    const sleeper = await link('sleeper');
    sleeper.send(encodeHello({ boot: round, firmware, maxFrame: 1024 }));
    const stays = await link('stays');
    stays.send(encodeHello({ boot: round, firmware }), encodeTelemetry(1, null, { round }));
    await stays.acknowledged(1);
    const online = await until(broker, 'stays', (device) => device.online && device.firmware === firmware);
    sleeper.socket.close(1000, 'sleep 3600');
    const asleep = await until(broker, 'sleeper', (device) => device.presence.reason === 'asleep');
    await broker.kill();

    broker = await startProcess({ data });
    const restored = await told(broker, 'sleeper');
    expect(restored).toMatchObject({
      online: false,
      presence: asleep.presence,
      asleep: asleep.asleep,
      firmware,
      maxFrame: 1024,
    });
    const away = await told(broker, 'stays');
    const { session } = online.presence;
    expect(away).toMatchObject({
      online: false,
      firmware,
      presence: { session, reason: 'broker-restarted' },
    });
    expect(away.presence.since).toBeGreaterThanOrEqual(online.presence.since ?? 0);
    await broker.kill();
    broker = await startProcess({ data });
    expect((await told(broker, 'sleeper')).presence).toEqual(asleep.presence);
    expect((await told(broker, 'stays')).presence).toEqual(away.presence);
  }
  expect(await broker.stop()).toBe(0);
});
