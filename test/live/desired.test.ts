/** What viewers are told of desired and reported state: of each device the newest, durable, as the HTTP API shows it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LiveDocuments } from '../../schemas/live.ts';
import { type FakeViewer, World, watchingWorld } from './world.ts';

const BY = { expected: null, by: 'oper1234' };

function told(viewer: FakeViewer): LiveDocuments[] {
  return viewer.of('desired').flatMap((message) => message.devices);
}

/** In JSON about this many characters. */
function large(characters: number) {
  return { text: 'x'.repeat(characters) };
}

describe('a viewer that covers the device', () => {
  it('is told what is desired and what is reported, as the HTTP API shows it', async () => {
    const { world, viewer, device } = watchingWorld();
    await world.desired.put(device, { interval: 30, raw: Uint8Array.of(1, 2) }, BY);
    world.tick();
    expect(told(viewer)).toEqual([world.desired.view(device)]);
    expect(told(viewer)).toMatchObject([{ desired: { values: { raw: { base64: 'AQI=' } } }, inSync: false }]);
    viewer.news();
    world.reports('acme/pump-7', 1, { interval: 30, raw: Uint8Array.of(1, 2) });
    world.tick();
    expect(told(viewer)).toEqual([world.desired.view(device)]);
    expect(told(viewer)).toMatchObject([{ difference: {}, inSync: true }]);
  });

  it('is told only when it is durable', async () => {
    const { world, viewer, device } = watchingWorld();
    let saved = () => {};
    const saving = new Promise<void>((asked) => {
      world.save = () => {
        asked();
        return new Promise((resolve) => {
          saved = resolve;
        });
      };
    });
    const put = world.desired.put(device, { interval: 30 }, BY);
    await saving;
    world.clock.advance(1000);
    expect(told(viewer)).toEqual([]);
    saved();
    await put;
    world.tick();
    expect(told(viewer)).toMatchObject([{ desired: { version: 1 } }]);
  });

  it('is told the newest once, when several changes fall into one tick', () => {
    const { world, viewer } = watchingWorld();
    for (const interval of [10, 20, 30]) world.reports('acme/pump-7', 0, { interval });
    world.tick();
    expect(told(viewer)).toMatchObject([{ reported: { values: { interval: 30 } } }]);
    viewer.news();
    world.tick();
    expect(viewer.news()).toEqual([]);
  });

  it('is told while it watches the values of other devices', () => {
    const { world, viewer } = watchingWorld();
    viewer.says({ type: 'watch', id: 1, devices: ['acme/pump-9'] });
    world.reports('acme/pump-7', 0, { interval: 30 });
    world.tick();
    expect(told(viewer)).toMatchObject([{ device: 'acme/pump-7' }]);
  });

  it('is not told what came before it', () => {
    const { world, viewer: early } = watchingWorld();
    world.reports('acme/pump-7', 0, { interval: 30 });
    world.tick();
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: 'acme/+' });
    world.clock.advance(1000);
    expect([told(early).length, told(viewer).length]).toEqual([1, 0]);
  });

  it('is told nothing of a device that was forgotten before the tick', () => {
    const { world, viewer } = watchingWorld();
    world.reports('acme/pump-7', 0, { interval: 30 });
    world.forgets('acme/pump-7');
    world.tick();
    expect(told(viewer)).toEqual([]);
  });
});

describe('a viewer that may not see the device', () => {
  it.each([
    ['another customer’s', '+/+', 'other'],
    ['one with another topic', 'acme/pump-8', '*'],
  ])('(%s) is told nothing of its documents', (_, topic, customer) => {
    const { world, viewer } = watchingWorld(topic, customer);
    world.reports('acme/pump-7', 0, { code: 1234 });
    world.clock.advance(1000);
    expect(JSON.stringify(viewer.news())).not.toMatch(/1234|pump-7/);
  });
});

describe('a viewer that could not read for a while', () => {
  function stalled() {
    const setting = watchingWorld();
    setting.viewer.stall();
    setting.world.measures('acme/pump-7', large(400_000));
    setting.world.tick();
    return setting;
  }

  it('is told of each device the newest, once', () => {
    const { world, viewer } = stalled();
    for (let interval = 0; interval < 6000; interval += 1) {
      world.reports(`acme/pump-${interval % 2}`, 0, { interval });
      if (interval % 200 === 0) world.tick();
    }
    world.tick();
    viewer.resume();
    world.clock.advance(1000);
    const intervals = told(viewer).map((one) => 'tooLarge' in one || one.reported?.values.interval);
    expect(intervals.sort()).toEqual([5998, 5999]);
    expect(viewer.of('error')).toEqual([]);
  });

  it('is told so when the documents of more devices changed than are held, and goes on with those', () => {
    const { world, viewer } = stalled();
    for (let index = 0; index < 5000; index += 1) world.reports(`acme/pump-${index}`, 0, { index });
    world.tick();
    viewer.resume();
    world.clock.advance(1000);
    expect(viewer.of('error')).toMatchObject([{ code: 'desired-missed' }]);
    expect(told(viewer)).toHaveLength(4096);
    expect(told(viewer).at(-1)?.device).toBe('acme/pump-4999');
    expect(viewer.mostBuffered).toBeLessThanOrEqual(1_048_576);
  });

  it('never has more than 1 MiB waiting, however large the documents are', () => {
    const { world, viewer } = stalled();
    for (let round = 0; round < 20; round += 1) {
      for (let index = 0; index < 20; index += 1) world.reports(`acme/pump-${index}`, 0, large(60_000));
      world.tick();
      viewer.take(1);
    }
    viewer.resume();
    world.clock.advance(1000);
    expect(viewer.mostBuffered).toBeLessThanOrEqual(1_048_576);
    expect(told(viewer).at(-1)?.device).toBe('acme/pump-19');
  });

  it('counts as skipped even if only documents changed', () => {
    const { world } = stalled();
    world.tick();
    const before = world.counters.viewerSkips;
    world.reports('acme/pump-7', 0, { interval: 30 });
    world.tick();
    expect(world.counters.viewerSkips).toBe(before + 1);
  });
});

describe('what it costs', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('documents that are too large for the channel are only named', () => {
    const { world, viewer } = watchingWorld();
    world.reports('acme/pump-7', 0, large(140_000));
    world.tick();
    expect(told(viewer)).toEqual([{ device: 'acme/pump-7', tooLarge: true }]);
  });

  it('of very many that change at once the rest are only named, and are not encoded', () => {
    const { world, viewer } = watchingWorld();
    const obstacle = vi.spyOn(world.desired, 'view');
    for (let index = 0; index < 100; index += 1) world.reports(`acme/pump-${index}`, 0, large(50_000));
    world.tick();
    world.clock.advance(1000);
    const named = told(viewer).filter((one) => 'tooLarge' in one);
    expect([told(viewer).length, named.length]).toEqual([100, 100 - obstacle.mock.calls.length]);
    expect(obstacle.mock.calls.length).toBe(21);
  });

  it('each is encoded once a tick, however many viewers look on', () => {
    const { world } = watchingWorld();
    const viewers = Array.from({ length: 20 }, () => world.viewer('acme'));
    for (const viewer of viewers) viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.tick();
    const obstacle = vi.spyOn(world.desired, 'view');
    for (let index = 0; index < 250; index += 1) world.reports(`acme/pump-${index}`, 0, { index });
    world.tick();
    expect(obstacle).toHaveBeenCalledTimes(250);
    expect(viewers.map((viewer) => told(viewer).length)).toEqual(viewers.map(() => 250));
  });

  it('nothing is encoded while nobody looks on, and nothing is heard after a stop', () => {
    const world = new World();
    world.connects('acme/pump-7');
    const obstacle = vi.spyOn(world.desired, 'view');
    world.reports('acme/pump-7', 0, { interval: 30 });
    world.tick();
    world.live.stop();
    world.reports('acme/pump-7', 0, { interval: 40 });
    expect(obstacle).not.toHaveBeenCalled();
  });
});
