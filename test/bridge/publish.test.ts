/** What other people's systems see: topics and payloads as in docs/mqtt.md, at a real Mosquitto. */
import { expect, it } from 'vitest';
import { encodeBatch } from '../../broker/wire/encode.ts';
import { requires } from '../helpers/requires.ts';
import { startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';
import { startWorld } from './world.ts';

const TELEMETRY = 'signalbox/acme/pump-7/telemetry';
const EVENT = 'signalbox/acme/pump-7/event';

requires('mosquitto')('a subscriber of signalbox/#', () => {
  it('gets every sample in order, with time, seq and values', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, ['signalbox/#']);
    const world = await startWorld({ url: mosquitto.url });
    await world.until(({ state }) => state === 'connected');
    for (let n = 1; n <= 50; n += 1) world.sample('pump-7', { n, mode: 'grün', raw: new Uint8Array([1]) });
    await world.drained();
    await subscriber.until(() => subscriber.texts(TELEMETRY).length === 50);
    const samples = subscriber.texts(TELEMETRY).map((text) => JSON.parse(text));
    expect(samples.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    const values = { n: 2, mode: 'grün', raw: { base64: 'AQ==' } };
    expect(samples[1]).toEqual({ time: expect.any(Number), seq: 2, values });
  });

  it('gets the samples of a batch one by one, and events, but no results and nothing of hello', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, ['signalbox/#']);
    const world = await startWorld({ url: mosquitto.url });
    await world.until(({ state }) => state === 'connected');
    world.connect('pump-7');
    const start = Date.now() - 10_000;
    world.frame('pump-7', (seq) =>
      encodeBatch(seq, start, [
        [0, { n: 1 }],
        [500, { n: 2 }],
      ]),
    );
    world.event('pump-7', 'door', { open: true });
    world.result('pump-7', 'command-1');
    world.sample('pump-7', { n: 3 });
    await world.drained();
    await subscriber.until(() => subscriber.texts(TELEMETRY).length === 3);
    expect(
      subscriber
        .texts(TELEMETRY)
        .map((text) => JSON.parse(text))
        .slice(0, 2),
    ).toEqual([
      { time: start, seq: 1, values: { n: 1 } },
      { time: start + 500, seq: 1, values: { n: 2 } },
    ]);
    const event = { time: expect.any(Number), severity: 4, name: 'door', data: { open: true } };
    expect(subscriber.texts(EVENT).map((text) => JSON.parse(text))).toEqual([event]);
    await subscriber.on('signalbox/acme/pump-7/state');
    await subscriber.on('signalbox/acme/pump-7/availability', 'online');
    const topics = new Set(subscriber.received.map(({ topic }) => topic.split('/').at(-1)));
    expect([...topics].sort()).toEqual(['availability', 'event', 'state', 'status', 'telemetry']);
  });

  it('gets what it was promised over MQTT 3.1.1 and at QoS 0 as well', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, ['signalbox/#']);
    const world = await startWorld({
      url: mosquitto.url,
      protocol: 'mqtt3.1.1',
      telemetryQos: 0,
      state: 'off',
    });
    const { protocol } = await world.until(({ state }) => state === 'connected');
    expect(protocol).toBe('3.1.1');
    for (let n = 1; n <= 500; n += 1) world.sample('pump-7', { n });
    world.event('pump-7', 'done', null);
    await world.drained();
    await subscriber.on(EVENT);
    expect(subscriber.texts(TELEMETRY)).toHaveLength(500);
    expect(subscriber.received.some(({ topic }) => topic.endsWith('/state'))).toBe(false);
    expect(world.bridge.status()).toMatchObject({ sent: 501, repeated: 0 });
  });

  it('gets only the newest of a topic when that is wanted and the peer was away', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, ['signalbox/+/+/telemetry', 'signalbox/+/+/event']);
    await mosquitto.stop();
    const world = await startWorld({ url: mosquitto.url, telemetry: 'newest' });
    await world.until(({ state }) => state === 'waiting');
    for (let n = 1; n <= 2000; n += 1) world.sample('pump-7', { n });
    for (let n = 1; n <= 10; n += 1) world.event('pump-7', `e${n}`, null);
    await world.ingest.flushed();
    await mosquitto.start();
    await world.drained();
    await subscriber.until(() => subscriber.texts(EVENT).length === 10);
    const samples = subscriber.texts(TELEMETRY);
    expect(JSON.parse(samples.at(-1) ?? '').values).toEqual({ n: 2000 });
    const { superseded } = world.bridge.status().dropped;
    expect(samples.length + superseded).toBe(2000);
    expect(superseded).toBeGreaterThan(0);
  });
});
