/** Devices that are known before they connect: what a restart, a forgetting and several at once make of them. */
import { expect, it } from 'vitest';
import { DeviceRegistry } from '../../broker/hub/fleet/device-registry.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FakeClock } from '../helpers/clock.ts';
import { connects, disconnects } from '../helpers/presence.ts';

const NAMED = { label: 'North hall', tags: ['hall'], notes: null };

async function world(database = openMemoryDatabase()) {
  await database.start();
  const fleet = new Fleet(new Revisions(1));
  const registry = new DeviceRegistry({
    store: database,
    fleet,
    clock: new FakeClock(),
    limits: { devicesPerCustomer: 3 },
  });
  await registry.load();
  const forget = async (id: string): Promise<boolean> => {
    const device = fleet.find('acme', id);
    if (device) fleet.forget(device);
    return device !== null;
  };
  return { database, fleet, registry, forget };
}

it('is there again after a restart that came before its first connection', async () => {
  const { registry, database } = await world();
  await registry.put('acme', 'pump', NAMED);
  const { fleet } = await world(database);
  expect(fleet.find('acme', 'pump')).toMatchObject({ neverSeen: true, profile: NAMED });
});

it('is not known before it is durable', async () => {
  const { registry, fleet, database } = await world();
  const save = database.saveRegistered.bind(database);
  database.saveRegistered = async (row) => {
    expect(fleet.find('acme', 'pump')).toBeNull();
    await save(row);
  };
  expect(await registry.ensure('acme', 'pump')).toMatchObject({ created: true });
});

it('once forgotten does not come back with a restart, nor does its name', async () => {
  const { registry, database, forget } = await world();
  await registry.put('acme', 'pump', NAMED);
  expect(await registry.forget('acme', 'pump', () => forget('pump'))).toBe(true);
  expect((await world(database)).fleet.total).toBe(0);
});

it('that is named while it is being forgotten is there with what was said last', async () => {
  const { registry, database, fleet, forget } = await world();
  await registry.put('acme', 'pump', NAMED);
  await Promise.all([
    registry.forget('acme', 'pump', () => forget('pump')),
    registry.put('acme', 'pump', { ...NAMED, label: 'South hall' }),
  ]);
  expect(fleet.find('acme', 'pump')?.profile?.label).toBe('South hall');
  expect((await world(database)).fleet.find('acme', 'pump')?.profile?.label).toBe('South hall');
});

it('keeps its name when it connects, and was seen from then on', async () => {
  const { registry, fleet } = await world();
  await registry.put('acme', 'pump', NAMED);
  expect(fleet.neverSeen).toBe(1);
  const device = fleet.obtain('acme', 'pump');
  const member = {
    session: 's1',
    keyId: 'k',
    heardAt: 5,
    ready: true,
    bufferedBytes: 0,
    write: () => {},
    end: () => {},
  };
  connects(fleet, device, member as never, 5);
  expect([fleet.neverSeen, device.profile?.label]).toEqual([0, 'North hall']);
  disconnects(fleet, device, member as never, 6, 'connection-lost');
  expect(fleet.neverSeen).toBe(0);
});

it('is told to viewers and the bridge as one that is away', async () => {
  const { registry, fleet } = await world();
  const told: string[] = [];
  fleet.onPresence((device, { state, since }) => told.push(`${device.name} ${state} ${since}`));
  await registry.ensure('acme', 'pump');
  await registry.put('acme', 'pump', NAMED);
  expect(told).toEqual(['acme/pump offline 0']);
});

it('one customer names no more devices than it may have, also at once; those it has can be named', async () => {
  const { registry, fleet } = await world();
  const asked = ['a', 'b', 'c', 'd', 'e'].map((id) => registry.put('acme', id, NAMED));
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.map(({ status }) => status).sort()).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
  ]);
  await expect(registry.put('acme', 'f', NAMED)).rejects.toMatchObject({
    code: 'too-many-devices',
    limit: 'limits.devicesPerCustomer',
  });
  expect(await registry.put('acme', 'a', { ...NAMED, label: 'Again' })).toMatchObject({ created: false });
  expect(await registry.put('globex', 'a', NAMED)).toMatchObject({ created: true });
  expect(await registry.ensure('acme', 'with-a-key')).toMatchObject({ created: true });
  expect(fleet.total).toBe(5);
});
