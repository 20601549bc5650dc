import { describe, expect, it } from 'vitest';
import { Boots, type Member, type Presence } from '../../broker/hub/fleet/device.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { connects, disconnects } from '../helpers/presence.ts';

function member(session: string): Member {
  return {
    session,
    keyId: 'key',
    heardAt: 0,
    ready: true,
    bufferedBytes: 0,
    write: () => undefined,
    end: () => undefined,
  };
}

function fleetWithHistory() {
  const fleet = new Fleet(new Revisions(1000));
  const told: Presence[] = [];
  fleet.onPresence((_device, presence) => told.push(presence));
  return { fleet, told, pump: fleet.obtain('acme', 'pump') };
}

describe('presence', () => {
  it('is numbered and carries the session of each transition', () => {
    const { fleet, told, pump } = fleetWithHistory();
    const first = member('s1');
    connects(fleet, pump, first, 10);
    disconnects(fleet, pump, first, 20, 'device-closed');
    expect(told.map(({ state, session, since, reason }) => [state, session, since, reason])).toEqual([
      ['online', 's1', 10, null],
      ['offline', 's1', 20, 'device-closed'],
    ]);
    expect(told[1]?.rev).toBeGreaterThan(told[0]?.rev ?? Number.POSITIVE_INFINITY);
  });

  it('P-1.6: the late end of a replaced connection does not mark the device offline', () => {
    const { fleet, told, pump } = fleetWithHistory();
    const [old, fresh] = [member('s1'), member('s2')];
    connects(fleet, pump, old, 10);
    expect(connects(fleet, pump, fresh, 11)).toBe(old);
    disconnects(fleet, pump, old, 12, 'replaced');
    expect(pump.online).toBe(true);
    expect(fleet.online).toBe(1);
    expect(told.map(({ session }) => session)).toEqual(['s1', 's2']);
  });

  it('tells nothing of a forgotten device when its socket closes later', () => {
    const { fleet, told, pump } = fleetWithHistory();
    const only = member('s1');
    connects(fleet, pump, only, 10);
    fleet.forget(pump);
    disconnects(fleet, pump, only, 12, 'key-ended');
    expect(told).toHaveLength(1);
    expect([fleet.total, fleet.online, fleet.find('acme', 'pump')]).toEqual([0, 0, null]);
  });
});

describe('revisions', () => {
  it('rise over a restart, also after a million changes a second', () => {
    const before = new Revisions(1_000_000);
    for (let change = 0; change < 1000; change += 1) before.next();
    expect(new Revisions(1_000_001).next()).toBeGreaterThan(before.current);
  });
});

describe('a list of changes', () => {
  it('holds each changed device once, until it is drained', () => {
    const { fleet, pump } = fleetWithHistory();
    const changes = fleet.trackChanges();
    const valve = fleet.obtain('acme', 'valve');
    for (const device of [pump, valve, pump, pump]) fleet.touch(device);
    expect(changes.drain()).toEqual([pump, valve]);
    expect(changes.drain()).toEqual([]);
    fleet.touch(pump);
    expect(changes.drain()).toEqual([pump]);
  });
});

describe('the boots of a device', () => {
  it('P-3.2: are remembered by name, the oldest forgotten after eight', () => {
    const boots = new Boots();
    boots.enter('u1').durable = 7;
    expect(boots.enter('u1').durable).toBe(7);
    for (let boot = 2; boot <= 8; boot += 1) boots.enter(`u${boot}`);
    expect(boots.enter('u1').durable).toBe(7);
    boots.enter('u9');
    expect([...boots.entries()].map(([boot]) => boot)).toEqual([
      'u3',
      'u4',
      'u5',
      'u6',
      'u7',
      'u8',
      'u1',
      'u9',
    ]);
  });
});
