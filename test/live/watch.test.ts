/** Watching: values of some devices, presence of all. */
import { describe, expect, it } from 'vitest';
import { LIVE_LIMITS } from '../../schemas/live.ts';
import { World } from './world.ts';

function twoPumps() {
  const world = new World();
  world.measures('acme/pump-7', { temp: 1, level: 5 });
  world.measures('acme/pump-8', { temp: 2 });
  const viewer = world.viewer();
  viewer.says({ type: 'subscribe', id: 1, topic: 'acme/+' });
  world.tick();
  viewer.news();
  return { world, viewer };
}

describe('a viewer that watches', () => {
  it('gets all values of the watched devices at once', () => {
    const { viewer } = twoPumps();
    viewer.says({ type: 'watch', id: 1, devices: ['acme/pump-7'] });
    expect(viewer.news()).toMatchObject([
      {
        type: 'update',
        devices: [{ device: 'acme/pump-7', values: { temp: { value: 1 }, level: { value: 5 } } }],
      },
    ]);
  });

  it('hears values of those only, and presence of all', () => {
    const { world, viewer } = twoPumps();
    viewer.says({ type: 'watch', id: 1, devices: ['acme/pump-7'] });
    world.tick();
    viewer.news();
    world.measures('acme/pump-7', { temp: 3 });
    world.measures('acme/pump-8', { temp: 4 });
    world.connects('acme/pump-8');
    world.tick();
    expect(viewer.news()).toMatchObject([
      { type: 'presence', devices: [{ device: 'acme/pump-8', online: true }] },
      { type: 'update', devices: [{ device: 'acme/pump-7', values: { temp: { value: 3 } } }] },
    ]);
    expect(viewer.of('update')).toEqual([]);
  });

  it('that changes its watch gets the values that it had not been told', () => {
    const { world, viewer } = twoPumps();
    viewer.says({ type: 'watch', id: 1, devices: ['acme/pump-7'] });
    world.measures('acme/pump-8', { temp: 4 });
    world.tick();
    world.tick();
    viewer.news();
    viewer.says({ type: 'watch', id: 1, devices: ['acme/pump-8'] });
    expect(viewer.news()).toMatchObject([
      { type: 'update', devices: [{ device: 'acme/pump-8', values: { temp: { value: 4 } } }] },
    ]);
  });

  it('that ends its watch gets a fresh snapshot', () => {
    const { viewer } = twoPumps();
    viewer.says({ type: 'watch', id: 1, devices: [] });
    viewer.says({ type: 'watch', id: 1, devices: null });
    expect(viewer.of('snapshot')[0]?.devices.map(({ device }) => device)).toEqual([
      'acme/pump-7',
      'acme/pump-8',
    ]);
  });

  it('is told what is wrong, and keeps its connection', () => {
    const { viewer } = twoPumps();
    const many = Array.from({ length: LIVE_LIMITS.watchedDevices + 1 }, (_, index) => `acme/${index}`);
    viewer.says({ type: 'watch', id: 9, devices: [] });
    viewer.says({ type: 'watch', id: 1, devices: many });
    expect(viewer.of('error').map(({ code, id }) => [code, id])).toEqual([
      ['unknown-subscription', 9],
      ['too-many-devices', 1],
    ]);
  });
});
