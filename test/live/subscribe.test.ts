/** Subscribing: a snapshot, then what changed, merged; one's own customer only. */
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a viewer that subscribes', () => {
  it('gets a snapshot at once, with the last-known state of every device of the topic', () => {
    const world = new World();
    world.connects('acme/pump-7');
    world.measures('acme/pump-7', { temp: 21.5, note: 'ok' });
    world.connects('other/fan-1');
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: 'acme/+' });
    const now = world.clock.now();
    expect(viewer.news()).toEqual([
      {
        type: 'snapshot',
        rev: expect.any(Number),
        id: 1,
        page: 0,
        more: false,
        devices: [
          {
            device: 'acme/pump-7',
            online: true,
            connectedAt: now,
            since: now,
            session: 's1',
            reason: null,
            lastSeenAt: now,
            lastDataAt: now,
            clock: 'ok',
            values: {
              temp: { value: 21.5, at: now, receivedAt: now },
              note: { value: 'ok', at: now, receivedAt: now },
            },
          },
        ],
      },
    ]);
  });

  it('then gets one update a quarter second, merged per device, with only what changed', () => {
    const world = new World();
    world.measures('acme/pump-7', { temp: 1, level: 9 });
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    viewer.news();
    for (let temp = 2; temp <= 50; temp += 1) world.measures('acme/pump-7', { temp });
    expect(viewer.news()).toEqual([]);
    world.tick();
    expect(viewer.news()).toMatchObject([{ type: 'update', devices: [{ device: 'acme/pump-7' }] }]);
    world.measures('acme/pump-7', { temp: 51 });
    world.tick();
    const [update] = viewer.of('update');
    expect(Object.keys(update?.devices[0]?.values ?? {})).toEqual(['temp']);
    expect(update?.devices[0]?.values.temp?.value).toBe(51);
    viewer.news();
    world.tick();
    expect(viewer.news()).toEqual([]);
  });

  it('does not get again what the snapshot said', () => {
    const world = new World();
    world.measures('acme/pump-7', { temp: 1 });
    const viewer = world.viewer();
    world.clock.advance(100);
    world.measures('acme/pump-7', { level: 2 });
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.measures('acme/pump-8', { temp: 3 });
    viewer.news();
    world.tick();
    const told = viewer.of('update').flatMap(({ devices }) => devices.map(({ device }) => device));
    expect(told).toEqual(['acme/pump-8']);
  });

  it('sees its own customer only: + means its own, another one is not found', () => {
    const world = new World();
    world.measures('acme/pump-7', { temp: 1 });
    world.measures('other/fan-1', { temp: 1 });
    const viewer = world.viewer('acme');
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    expect(viewer.of('snapshot')[0]?.devices.map(({ device }) => device)).toEqual(['acme/pump-7']);
    viewer.news();
    viewer.says({ type: 'subscribe', id: 2, topic: 'other/+' });
    expect(viewer.news()).toMatchObject([{ type: 'error', code: 'not-found', id: 2 }]);
    world.measures('other/fan-1', { temp: 2 });
    world.connects('other/fan-1');
    world.happens('other/fan-1', 'alarm');
    world.forgets('other/fan-1');
    world.tick();
    expect(viewer.news()).toEqual([]);
  });

  it('hears nothing more after unsubscribe', () => {
    const world = new World();
    world.measures('acme/pump-7', { temp: 1 });
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    viewer.says({ type: 'unsubscribe', id: 1 });
    viewer.news();
    world.measures('acme/pump-7', { temp: 2 });
    world.tick();
    expect(viewer.news()).toEqual([]);
  });

  it('may use an id again for another topic, and gets that one’s snapshot', () => {
    const world = new World();
    world.measures('acme/pump-7', { temp: 1 });
    world.measures('acme/pump-8', { temp: 1 });
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: 'acme/pump-7' });
    viewer.says({ type: 'subscribe', id: 1, topic: 'acme/pump-8' });
    expect(viewer.of('snapshot').map(({ devices }) => devices[0]?.device)).toEqual([
      'acme/pump-7',
      'acme/pump-8',
    ]);
    viewer.news();
    world.measures('acme/pump-7', { temp: 2 });
    world.tick();
    expect(viewer.news()).toEqual([]);
  });

  it('is told each device once, however many of its subscriptions cover it', () => {
    const world = new World();
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    viewer.says({ type: 'subscribe', id: 2, topic: 'acme/pump-7' });
    world.tick();
    viewer.news();
    world.measures('acme/pump-7', { temp: 2 });
    world.tick();
    expect(viewer.news()).toMatchObject([{ type: 'update', devices: [{ device: 'acme/pump-7' }] }]);
  });

  it('sees byte strings as base64, and numbers and text as they are', () => {
    const world = new World();
    world.measures('acme/pump-7', {
      raw: Uint8Array.of(1, 2, 255),
      big: 1e21,
      text: 'a"\n',
      list: [1, { a: null }],
    });
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    const values = viewer.of('snapshot')[0]?.devices[0]?.values;
    expect(values?.raw?.value).toEqual({ base64: 'AQL/' });
    expect([values?.big?.value, values?.text?.value, values?.list?.value]).toEqual([
      1e21,
      'a"\n',
      [1, { a: null }],
    ]);
  });
});

describe('a fleet of two hundred devices that all change', () => {
  it('comes as one message a tick, the same bytes for every viewer of the same topics', () => {
    const world = new World();
    const change = (round: number) => {
      for (let index = 0; index < 200; index += 1)
        world.measures(`acme/d-${index}`, { round, text: 'x'.repeat(500) });
    };
    change(0);
    const viewers = [world.viewer(), world.viewer('acme'), world.viewer()];
    for (const viewer of viewers) viewer.says({ type: 'subscribe', id: 1, topic: 'acme/+' });
    world.clock.advance(1000);
    for (const viewer of viewers) viewer.news();
    for (let round = 1; round <= 4; round += 1) {
      change(round);
      world.tick();
    }
    const [first, ...others] = viewers.map((viewer) => viewer.news());
    expect(first?.map(({ type }) => type)).toEqual(['update', 'update', 'update', 'update']);
    expect(others).toEqual([first, first]);
  });
});
