/** Who came, who went and why, and what devices report. */
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

function watchingWorld(customer = '*') {
  const world = new World();
  world.connects('acme/pump-7');
  const viewer = world.viewer(customer);
  viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
  world.tick();
  viewer.news();
  return { world, viewer };
}

describe('presence', () => {
  it('is told with session, time, reason and a number of its own', () => {
    const { world, viewer } = watchingWorld();
    world.disconnects('acme/pump-7', 'no-heartbeat');
    const { presence } = world.device('acme/pump-7');
    world.tick();
    expect(viewer.news()).toMatchObject([
      {
        type: 'presence',
        devices: [
          {
            device: 'acme/pump-7',
            online: false,
            connectedAt: null,
            since: presence.since,
            session: 's1',
            reason: 'no-heartbeat',
            rev: presence.rev,
          },
        ],
      },
    ]);
  });

  it('is merged within a tick: the newest connection counts', () => {
    const { world, viewer } = watchingWorld();
    world.disconnects('acme/pump-7');
    world.connects('acme/pump-7');
    world.disconnects('acme/pump-7');
    world.connects('acme/pump-7');
    world.tick();
    expect(viewer.news()).toMatchObject([
      { type: 'presence', devices: [{ device: 'acme/pump-7', online: true, session: 's3' }] },
    ]);
  });

  it('comes in one message for a hundred devices that connect at once', () => {
    const { world, viewer } = watchingWorld();
    for (let index = 0; index < 100; index += 1) world.connects(`acme/new-${index}`);
    world.tick();
    const told = viewer.news();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ type: 'presence', devices: { length: 100 } });
  });

  it('says that a device was forgotten, before what a new one of its name says', () => {
    const { world, viewer } = watchingWorld();
    world.measures('acme/pump-7', { old: 1 });
    world.forgets('acme/pump-7');
    world.connects('acme/pump-7');
    world.measures('acme/pump-7', { fresh: 2 });
    world.tick();
    const [presence, update] = viewer.news();
    expect(presence).toMatchObject({
      type: 'presence',
      devices: [
        { device: 'acme/pump-7', forgotten: true },
        { device: 'acme/pump-7', online: true, session: 's2' },
      ],
    });
    expect(update).toMatchObject({ type: 'update', devices: [{ values: { fresh: { value: 2 } } }] });
    expect(JSON.stringify(update)).not.toContain('old');
  });
});

describe('events', () => {
  it('are all told, in order', () => {
    const { world, viewer } = watchingWorld();
    for (let index = 0; index < 20; index += 1) world.happens('acme/pump-7', `step-${index}`, { index });
    world.tick();
    const events = viewer.of('event').flatMap((message) => message.events);
    expect(events.map(({ name }) => name)).toEqual(Array.from({ length: 20 }, (_, index) => `step-${index}`));
    expect(events[3]).toMatchObject({ device: 'acme/pump-7', severity: 5, data: { index: 3 } });
    viewer.news();
    world.tick();
    expect(viewer.news()).toEqual([]);
  });

  it('that come by the thousand are cut, and the viewer is told so', () => {
    const { world, viewer } = watchingWorld();
    for (let index = 0; index < 5000; index += 1) world.happens('acme/pump-7', `step-${index}`);
    world.tick();
    expect(viewer.of('error')).toMatchObject([{ code: 'events-missed' }]);
    expect(
      viewer
        .of('event')
        .flatMap((message) => message.events)
        .at(-1)?.name,
    ).toBe('step-4999');
  });

  it('reach a viewer that could not read for a while, once', () => {
    const { world, viewer } = watchingWorld();
    viewer.stall();
    world.measures('acme/pump-7', { text: 'x'.repeat(400_000) });
    world.tick();
    world.happens('acme/pump-7', 'alarm');
    world.tick();
    world.tick();
    viewer.resume();
    world.tick();
    world.tick();
    expect(
      viewer
        .of('event')
        .flatMap((message) => message.events)
        .map(({ name }) => name),
    ).toEqual(['alarm']);
  });
});
