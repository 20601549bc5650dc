/** Viewers that do not read, or not fast enough: they cost a bounded buffer, and nobody else notices. */
import { describe, expect, it } from 'vitest';
import { FleetModel } from '../../dashboard/model.ts';
import { type FakeViewer, World } from './world.ts';

const MIB = 1_048_576;

/** 300 devices, of which each says about 2 KiB: 600 KiB a tick when all change. */
function bigFleet() {
  const world = new World();
  const change = (round: number) => {
    for (let index = 0; index < 300; index += 1) {
      world.measures(`acme/d-${index}`, { round, text: `${round}`.repeat(2000) });
    }
  };
  change(0);
  return { world, change };
}

function modelOf(viewer: FakeViewer): FleetModel {
  const model = new FleetModel();
  for (const message of viewer.read) model.apply(message);
  return model;
}

describe('a viewer that does not read', () => {
  it('holds at most 1 MiB, while a reading one hears every change', () => {
    const { world, change } = bigFleet();
    const stuck = world.viewer();
    const reading = world.viewer();
    stuck.says({ type: 'subscribe', id: 1, topic: '+/+' });
    reading.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(1000);
    stuck.stall();
    for (let round = 1; round <= 9; round += 1) {
      change(round);
      world.clock.advance(1000);
      const rows = [...modelOf(reading).rows.values()];
      expect(rows.every(({ values }) => values.get('round')?.value === round)).toBe(true);
    }
    expect(stuck.mostBuffered).toBeGreaterThan(100_000);
    expect(stuck.mostBuffered).toBeLessThanOrEqual(MIB);
    expect(world.counters.viewerSkips).toBeGreaterThan(0);
  });

  it('is closed with 1013 after 10 s, and nobody else is', () => {
    const { world, change } = bigFleet();
    const stuck = world.viewer();
    const reading = world.viewer();
    stuck.stall();
    stuck.says({ type: 'subscribe', id: 1, topic: '+/+' });
    reading.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(9900);
    expect(stuck.closes).toEqual([]);
    change(1);
    world.clock.advance(600);
    expect(stuck.closes.map(({ code }) => code)).toEqual([1013]);
    expect(reading.closes).toEqual([]);
    expect([world.counters.viewersClosedSlow, world.live.size]).toEqual([1, 1]);
  });

  it('is not closed because the process was stopped, nor because the clock was set ahead', () => {
    const { world } = bigFleet();
    const viewer = world.viewer();
    viewer.stall();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(5000);
    world.clock.freeze(3_600_000);
    world.clock.setWall(world.clock.now() + 3_600_000);
    world.clock.advance(4000);
    expect(viewer.closes).toEqual([]);
    world.clock.advance(2000);
    expect(viewer.closes.map(({ code }) => code)).toEqual([1013]);
  });

  it('is not closed while it reads a little now and then', () => {
    const { world, change } = bigFleet();
    const slow = world.viewer();
    slow.stall();
    slow.says({ type: 'subscribe', id: 1, topic: '+/+' });
    for (let second = 0; second < 30; second += 1) {
      change(second);
      slow.take(2);
      world.clock.advance(1000);
    }
    expect(slow.closes).toEqual([]);
    expect(slow.mostBuffered).toBeLessThanOrEqual(MIB);
  });
});

describe('a viewer that reads again', () => {
  it('gets merged state: the newest value of each metric, not every one', () => {
    const { world, change } = bigFleet();
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(1000);
    viewer.stall();
    for (let round = 1; round <= 5; round += 1) {
      change(round);
      world.clock.advance(1000);
    }
    viewer.resume();
    world.clock.advance(1000);
    const rows = [...modelOf(viewer).rows.values()];
    expect(rows).toHaveLength(300);
    expect(rows.every(({ values }) => values.get('round')?.value === 5)).toBe(true);
    const rounds = viewer
      .of('update')
      .flatMap(({ devices }) => devices.map(({ values }) => values.round?.value));
    expect(rounds.filter((round) => round === 3)).toEqual([]);
  });

  it('gets a fresh snapshot when too many devices were forgotten meanwhile to name them', () => {
    const world = new World();
    for (let index = 0; index < 1500; index += 1) world.measures(`acme/d-${index}`, { index });
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(1000);
    viewer.stall();
    world.measures('acme/d-0', { text: 'x'.repeat(300_000) });
    world.tick();
    for (let index = 1; index < 1500; index += 1) world.forgets(`acme/d-${index}`);
    world.tick();
    viewer.news();
    viewer.resume();
    world.clock.advance(1000);
    expect(viewer.of('snapshot')).toMatchObject([
      { page: 0, more: true },
      { page: 1, more: false },
    ]);
    expect([...modelOf(viewer).rows.keys()]).toEqual(['acme/d-0']);
  });

  it('gets one value after the other of a device with more than fits in a message', () => {
    const world = new World();
    const values = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`m${index}`, 'é'.repeat(20_000)]),
    );
    world.measures('acme/pump-7', values);
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.clock.advance(1000);
    expect(modelOf(viewer).rows.get('acme/pump-7')?.values.size).toBe(40);
    expect(viewer.of('snapshot').length).toBeGreaterThan(10);
    expect(viewer.mostBuffered).toBeLessThanOrEqual(MIB);
  });
});

describe('viewers of one customer that ask without end', () => {
  function askers() {
    const { world } = bigFleet();
    world.measures('other/d-1', { x: 1 });
    const viewers = Array.from({ length: 40 }, () => world.viewer('acme'));
    for (let round = 0; round < 20; round += 1) {
      for (const viewer of viewers) viewer.says({ type: 'subscribe', id: 1, topic: 'acme/+' });
    }
    return { world, viewers };
  }

  it('are not all answered in one turn of the loop', () => {
    const { world, viewers } = askers();
    const bytes = () => JSON.stringify(viewers.map(({ read }) => read)).length;
    const atOnce = bytes();
    expect(atOnce).toBeGreaterThan(10_000);
    expect(atOnce).toBeLessThan(200_000);
    world.clock.advance(20);
    expect(bytes() - atOnce).toBeLessThan(700_000);
    world.clock.advance(10_000);
    for (const viewer of viewers) expect(modelOf(viewer).rows.size).toBe(300);
  });

  it('do not keep those of another customer waiting', () => {
    const { world } = askers();
    const other = world.viewer('other');
    other.says({ type: 'subscribe', id: 1, topic: 'other/+' });
    world.clock.advance(20);
    expect(other.of('snapshot').map(({ more }) => more)).toEqual([false]);
    world.measures('other/d-1', { x: 2 });
    world.clock.advance(270);
    expect(modelOf(other).rows.get('other/d-1')?.values.get('x')?.value).toBe(2);
  });
});
