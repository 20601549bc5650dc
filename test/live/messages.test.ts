/** What a client may say, what it is told when it says something else, and the stats that come by themselves. */
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a wrong message', () => {
  it.each([
    ['not JSON', '{"type":'],
    ['an array', '[1]'],
    ['an unknown type', '{"type":"shout","id":1}'],
    ['no id', '{"type":"subscribe","topic":"+/+"}'],
    ['an id that is not whole', '{"type":"subscribe","id":1.5,"topic":"+/+"}'],
    ['a member too many', '{"type":"unsubscribe","id":1,"force":true}'],
    ['a command, which is sent over HTTP', '{"type":"command","device":"acme/pump-7","name":"valve"}'],
    ['more than 16 KiB', JSON.stringify({ type: 'subscribe', id: 1, topic: 'x'.repeat(17_000) })],
  ])('(%s) is answered with what to do', (_, text) => {
    const viewer = new World().viewer();
    viewer.connection?.receive(text);
    expect(viewer.news()).toMatchObject([{ type: 'error', code: 'bad-message' }]);
    expect(viewer.closes).toEqual([]);
  });

  it('with a malformed topic names the subscription', () => {
    const viewer = new World().viewer();
    viewer.says({ type: 'subscribe', id: 4, topic: 'acme' });
    viewer.says({ type: 'subscribe', id: 5, topic: 'acme/#' });
    expect(viewer.news()).toMatchObject([
      { code: 'bad-topic', id: 4 },
      { code: 'bad-topic', id: 5 },
    ]);
  });

  it('that would be the 33rd subscription is refused', () => {
    const viewer = new World().viewer();
    for (let id = 0; id < 33; id += 1) viewer.says({ type: 'subscribe', id, topic: 'acme/+' });
    expect(viewer.of('snapshot')).toHaveLength(32);
    expect(viewer.of('error')).toMatchObject([{ code: 'too-many-subscriptions', id: 32 }]);
    viewer.says({ type: 'unsubscribe', id: 0 });
    viewer.says({ type: 'subscribe', id: 32, topic: 'acme/+' });
    expect(viewer.of('snapshot')).toHaveLength(33);
  });
});

describe('stats', () => {
  it('come every second, the broker’s own to admins only', () => {
    const world = new World();
    world.connects('acme/pump-7');
    world.measures('other/fan-1', { on: true });
    const admin = world.viewer();
    const acme = world.viewer('acme');
    world.clock.advance(2000);
    expect(admin.of('stats').map(({ stats }) => stats.devices)).toEqual([
      { total: 2, online: 1, neverSeen: 0 },
      { total: 2, online: 1, neverSeen: 0 },
    ]);
    expect(admin.of('stats')[0]?.stats.broker?.viewers).toBe(1);
    expect(acme.of('stats')[0]?.stats).toMatchObject({ devices: { total: 1, online: 1 } });
    expect(acme.of('stats')[0]?.stats).not.toHaveProperty('broker');
  });
});

describe('the end of a connection', () => {
  it('comes with 4003 for the viewers of a key that ended, and only those', () => {
    const world = new World();
    const ended = world.viewer('acme', 'key-one1');
    const other = world.viewer('acme', 'key-two2');
    world.live.endKey('key-one1');
    expect([ended.closes.map(({ code }) => code), other.closes]).toEqual([[4003], []]);
    ended.says({ type: 'subscribe', id: 1, topic: '+/+' });
    expect(ended.read).toEqual([]);
  });

  it('comes with 1001 when the broker stops, which leaves no timer', () => {
    const world = new World();
    const viewer = world.viewer();
    world.measures('acme/pump-7', { text: 'x'.repeat(1_000_000) });
    viewer.stall();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.live.stop();
    world.live.stop();
    expect(viewer.closes.map(({ code }) => code)).toEqual([1001]);
    expect(world.clock.pending).toBe(0);
  });
});
