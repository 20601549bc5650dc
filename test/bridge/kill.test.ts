/** `kill -9` of the broker while it drains a backlog and devices go on: nothing that a device was acknowledged is lost. */
import { expect, it } from 'vitest';
import { type BrokerProcess, startProcess } from '../helpers/broker-process.ts';
import { until } from '../helpers/eventually.ts';
import { requires } from '../helpers/requires.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { LedgerDevice } from '../operations/ledger.ts';
import { Ledger } from './ledger.ts';
import { startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';

const KILLS = 10;
const IDS = ['pump-0', 'pump-1'];
/** `mqtt.inFlight`: about so many come again after a kill, and what came while the cursor was written. */
const WINDOW = 1000;
/** Acks after which the first broker is killed: what then waits for the server. */
const BACKLOG = 800;

/** Devices send until the broker is killed, which happens when `enough` says so. */
async function sendAndKill(
  broker: BrokerProcess,
  devices: readonly LedgerDevice[],
  enough: (acks: () => number) => Promise<unknown>,
): Promise<void> {
  let acks = 0;
  const acked = () => {
    acks += 1;
  };
  const sending = Promise.all(devices.map((device) => device.sendUntilCut(broker.url, acked)));
  await enough(() => acks);
  await broker.kill();
  await sending;
}

requires('mosquitto')(`a broker that is killed ${KILLS} times while it drains`, () => {
  it('brings every acknowledged sample, in order of each device', { timeout: 600_000 }, async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, ['signalbox/+/+/telemetry']);
    const data = temporaryFolder();
    const env = {
      SIGNALBOX_MQTT_URL: mosquitto.url,
      SIGNALBOX_MQTT_RECONNECT_SECONDS: '1',
      SIGNALBOX_LIMITS_FRAMES_PER_SECOND: '0',
    };
    const first = await startProcess({ data, env });
    const key = await first.deviceKey('acme');
    await first.logged('The MQTT bridge is connected.');
    await first.stop();
    const devices = IDS.map((id) => new LedgerDevice(id, key));

    await mosquitto.stop();
    await sendAndKill(await startProcess({ data, env }), devices, (acks) =>
      until(() => acks() >= BACKLOG, { interval: 50 }),
    );
    await mosquitto.start();
    for (let round = 1; round <= KILLS; round += 1) {
      const before = subscriber.received.length;
      const broker = await startProcess({ data, env });
      await sendAndKill(broker, devices, () => subscriber.until((all) => all.length >= before + round * 150));
    }

    const last = await startProcess({ data, env });
    await Promise.all(devices.map((device) => device.finish(last.url)));
    const ledger = new Ledger(subscriber);
    for (const { id, sent } of devices) await ledger.complete([id], sent);
    expect(ledger.disorder()).toEqual([]);
    const samples = devices.reduce((sum, { sent }) => sum + sent, 0);
    const more = ledger.copies() - samples;
    process.stdout.write(`${KILLS} kills, ${samples} samples, ${more} copies more\n`);
    expect(more).toBeLessThanOrEqual(KILLS * 2 * WINDOW);
    expect(await last.stop()).toBe(0);
  });
});
