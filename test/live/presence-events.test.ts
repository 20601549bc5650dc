/** Who came, who went and why, and what devices report. */
import { describe, expect, it } from 'vitest';
import { World, watchingWorld } from './world.ts';

describe('presence', () => {
  it('is told with session, time, reason and a number of its own', () => {
    const { world, viewer } = watchingWorld('+/+');
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
    const { world, viewer } = watchingWorld('+/+');
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
    const { world, viewer } = watchingWorld('+/+');
    for (let index = 0; index < 100; index += 1) world.connects(`acme/new-${index}`);
    world.tick();
    const told = viewer.news();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ type: 'presence', devices: { length: 100 } });
  });

  it('says that a device was forgotten, before what a new one of its name says', () => {
    const { world, viewer } = watchingWorld('+/+');
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
    const { world, viewer } = watchingWorld('+/+');
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
    const { world, viewer } = watchingWorld('+/+');
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

  it('are not pushed out by those of another customer', () => {
    const world = new World();
    world.connects('acme/pump-1');
    world.connects('other/flood-1');
    const viewer = world.viewer('acme');
    const admin = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: 'acme/+' });
    admin.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(500);
    world.happens('acme/pump-1', 'first');
    for (let count = 0; count < 200; count += 1) world.happens('other/flood-1', 'noise', 'x'.repeat(4000));
    world.happens('acme/pump-1', 'second');
    world.clock.advance(500);
    const told = viewer.of('event').flatMap(({ events }) => events.map(({ name }) => name));
    expect([told, viewer.of('error')]).toEqual([['first', 'second'], []]);
    const all = admin.of('event').flatMap(({ events }) => events.map(({ name }) => name));
    expect([all[0], all.at(-1)]).toEqual(['first', 'second']);
    expect(admin.of('error')).toMatchObject([{ code: 'events-missed' }]);
  });

  it('of many customers are held within one bound', () => {
    const world = new World();
    const admin = world.viewer();
    admin.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(500);
    for (let count = 0; count < 2000; count += 1) {
      world.happens(`customer-${count % 40}/d`, 'noise', 'x'.repeat(4000));
    }
    world.clock.advance(5000);
    const told = admin.of('event').flatMap(({ events }) => events);
    expect(JSON.stringify(told).length).toBeLessThan(8 * 262_144 + 100_000);
    expect(new Set(told.map(({ device }) => device)).size).toBe(40);
  });

  it('reach a viewer that could not read for a while, once', () => {
    const { world, viewer } = watchingWorld('+/+');
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
