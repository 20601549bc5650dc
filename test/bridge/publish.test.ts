/** What other people's systems see: topics and payloads as in interfaces.md, at a real Mosquitto. */
import { expect, it } from 'vitest';
import { requires } from '../helpers/requires.ts';
import { startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';
import { startWorld } from './world.ts';

requires('mosquitto')('a subscriber of signalbox/#', () => {
  it('gets every sample in order, with time, seq and values', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, ['signalbox/#']);
    const world = await startWorld({ url: mosquitto.url });
    await world.until(({ state }) => state === 'connected');
    for (let n = 1; n <= 50; n += 1) world.sample('pump-7', { n, mode: 'auto' });
    await world.drained();
    const topic = 'signalbox/acme/pump-7/telemetry';
    await subscriber.until(() => subscriber.texts(topic).length === 50);
    const samples = subscriber.texts(topic).map((text) => JSON.parse(text));
    expect(samples.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(samples[1]).toEqual({ time: expect.any(Number), seq: 2, values: { n: 2, mode: 'auto' } });
  });
});
