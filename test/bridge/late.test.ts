/** Late joiners: what is retained is there at once, and true, also after everybody was away. */
import { expect, it } from 'vitest';
import { FakeClock } from '../helpers/clock.ts';
import { eventually } from '../helpers/eventually.ts';
import { disconnects } from '../helpers/presence.ts';
import { requires } from '../helpers/requires.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startMosquitto } from './mosquitto.ts';
import { retainedDevices, subscribe } from './subscriber.ts';
import { startWorld } from './world.ts';

const STATUS = 'signalbox/bridge/status';
const STATE = 'signalbox/acme/pump-7/state';
const AVAILABILITY = 'signalbox/acme/pump-7/availability';

requires('mosquitto')('a late subscriber', () => {
  it('gets state, availability and the status of the bridge at once', async () => {
    const mosquitto = await startMosquitto();
    const world = await startWorld({ url: mosquitto.url });
    await world.until(({ state }) => state === 'connected');
    world.connect('pump-7');
    world.sample('pump-7', { temp: 21.5, mode: 'auto' });
    world.sample('pump-7', { temp: 22 });
    await world.ingest.flushed();
    const early = await subscribe(mosquitto.url, [STATE, AVAILABILITY, STATUS]);
    await early.on(STATE, '{"temp":22,"mode":"auto"}');
    await Promise.all([AVAILABILITY, STATUS].map((topic) => early.on(topic, 'online')));
    const late = await subscribe(mosquitto.url, ['signalbox/#']);
    expect(await late.on(STATE)).toMatchObject({ text: '{"temp":22,"mode":"auto"}', retain: true });
    expect(await late.on(AVAILABILITY)).toMatchObject({ text: 'online', retain: true });
    expect(await late.on(STATUS)).toMatchObject({ text: 'online', retain: true });
    expect(late.texts('signalbox/acme/pump-7/telemetry')).toEqual([]);
  });

  it('gets the truth again from a server that has lost everything', async () => {
    const mosquitto = await startMosquitto('persistence false');
    const world = await startWorld({ url: mosquitto.url });
    const member = world.connect('pump-7');
    world.sample('pump-7', { temp: 1 });
    await world.until(({ state, others }) => state === 'connected' && others >= 3);
    await mosquitto.stop('SIGKILL');
    await world.until(({ state }) => state !== 'connected');
    disconnects(world.fleet, world.fleet.obtain('acme', 'pump-7'), member, Date.now(), 'closed');
    world.sample('pump-7', { temp: 2 });
    await mosquitto.start();
    const late = await subscribe(mosquitto.url, ['signalbox/#']);
    await late.on(STATE, '{"temp":2}');
    await late.on(AVAILABILITY, 'offline');
    await late.on(STATUS, 'online');
  });

  it('finds nothing of a device that was forgotten, also while the server was away or the broker was', async () => {
    const mosquitto = await startMosquitto();
    const folder = temporaryFolder();
    const retained = (devices: readonly string[]) =>
      eventually(async () => expect(await retainedDevices(mosquitto.url)).toEqual(devices));
    const first = await startWorld({ url: mosquitto.url }, { folder });
    for (const device of ['away', 'kept', 'now', 'stopped']) {
      first.connect(device);
      first.sample(device, { n: 1 });
    }
    await retained(['away', 'kept', 'now', 'stopped']);
    first.fleet.forget(first.fleet.obtain('acme', 'now'));
    await retained(['away', 'kept', 'stopped']);
    await mosquitto.stop();
    await first.until(({ state }) => state !== 'connected');
    first.fleet.forget(first.fleet.obtain('acme', 'away'));
    await mosquitto.start();
    await retained(['kept', 'stopped']);
    await first.stop();
    // This one has never heard of the device `stopped`.
    const second = await startWorld({ url: mosquitto.url }, { folder });
    second.connect('kept');
    await retained(['kept']);
  });

  it('finds no state of a device that was forgotten and is back without a metric, when the bridge was not there', async () => {
    const mosquitto = await startMosquitto();
    const folder = temporaryFolder();
    const first = await startWorld({ url: mosquitto.url }, { folder });
    first.connect('pump-7');
    first.sample('pump-7', { temp: 1 });
    const subscriber = await subscribe(mosquitto.url, [STATE]);
    await subscriber.on(STATE, '{"temp":1}');
    await first.stop();
    // This one has forgotten what it was, and knows that it is there.
    const second = await startWorld({ url: mosquitto.url }, { folder });
    second.connect('pump-7');
    await subscriber.on(STATE, '');
    const late = await subscribe(mosquitto.url, ['signalbox/#']);
    await late.on(AVAILABILITY, 'online');
    await late.on(STATUS, 'online');
    expect(late.texts(STATE)).toEqual([]);
  });

  it('sees at most one state a second of a device, and the newest in the end', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, [STATE]);
    const clock = new FakeClock();
    const world = await startWorld({ url: mosquitto.url }, { clock });
    await world.until(({ state }) => state === 'connected');
    for (let n = 1; n <= 80; n += 1) {
      clock.advance(100);
      world.sample('pump-7', { n });
      await world.ingest.flushed();
    }
    clock.advance(1000);
    await subscriber.on(STATE, '{"n":80}');
    // 9 s have passed on the clock.
    expect(subscriber.texts(STATE).length).toBeLessThanOrEqual(10);
  });
});

requires('mosquitto')('the status of the bridge', () => {
  it('is offline after a clean stop, and after its connection was cut', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, [STATUS]);
    const world = await startWorld({ url: mosquitto.url });
    await subscriber.on(STATUS, 'online');
    await world.bridge.stop();
    await subscriber.until(() => subscriber.texts(STATUS).at(-1) === 'offline');
    expect(world.bridge.status().state).toBe('stopped');
    await world.bridge.stop();
  });

  it('is online again after somebody says otherwise, as a stale will does', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, [STATUS]);
    await startWorld({ url: mosquitto.url });
    await subscriber.on(STATUS, 'online');
    await subscriber.client.publishAsync(STATUS, 'offline', { retain: true, qos: 1 });
    await subscriber.until(() => subscriber.texts(STATUS).join().endsWith('offline,online'));
    const late = await subscribe(mosquitto.url, [STATUS]);
    expect(await late.on(STATUS)).toMatchObject({ text: 'online', retain: true });
  });
});
