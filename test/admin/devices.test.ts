/** Finding devices and reading their last-known state over HTTP. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Device, Member } from '../../broker/hub/fleet/device.ts';
import type { DeviceList, DeviceSummary, State } from '../../schemas/api.ts';
import { type AdminBench, startAdmin } from './api.ts';
import { connect, disconnect, measure } from './fleet.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
});

const add = (customer: string, ...ids: readonly string[]): Device[] =>
  ids.map((id) => bench.fleet.obtain(customer, id));

async function names(query: string, as = 'boss'): Promise<string[]> {
  const { status, body } = await bench.ask('GET', `/devices${query}`, { as });
  expect(status).toBe(200);
  return (body as DeviceList).items.map(({ device }) => device);
}

describe('the list of devices', () => {
  it('shows a viewer its own customer and an admin all', async () => {
    add('acme', 'pump-7', 'fan-1');
    add('beta', 'pump-7');
    expect(await names('', 'vera')).toEqual(['acme/fan-1', 'acme/pump-7']);
    expect(await names('', 'boss')).toEqual(['acme/fan-1', 'acme/pump-7', 'beta/pump-7']);
    expect(await names('?customer=beta')).toEqual(['beta/pump-7']);
    expect(await names('?customer=beta', 'vera')).toEqual([]);
  });

  it('finds by a part of the id in any case, and by connection', async () => {
    const [pump] = add('acme', 'Pump-7', 'fan-1', 'PUMP-8');
    connect(bench.fleet, pump as Device, 5000);
    expect(await names('?q=ump-')).toEqual(['acme/PUMP-8', 'acme/Pump-7']);
    expect(await names('?q=pump&online=true')).toEqual(['acme/Pump-7']);
    expect(await names('?online=false')).toEqual(['acme/PUMP-8', 'acme/fan-1']);
    expect(await names('?q=acme')).toEqual([]);
  });

  it('tells of each device what a table needs', async () => {
    const [pump] = add('acme', 'pump-7', 'quiet') as [Device, Device];
    pump.description = { model: 'P9', firmware: '1.4.0', meta: null, maxFrame: null };
    measure(bench.fleet, pump, { temp: 21.5, rpm: 900 }, 4000);
    connect(bench.fleet, pump, 5000);
    const { body } = await bench.ask('GET', '/devices', { as: 'vera' });
    const [first, second] = (body as DeviceList).items;
    expect(first).toEqual({
      device: 'acme/pump-7',
      customer: 'acme',
      id: 'pump-7',
      online: true,
      connectedAt: 5000,
      lastSeenAt: 5000,
      lastDataAt: 4000,
      clock: 'ok',
      model: 'P9',
      firmware: '1.4.0',
      label: null,
      tags: [],
      notes: null,
      presence: { state: 'online', session: 's-pump-7', since: 5000, reason: null },
      metrics: 2,
    } satisfies DeviceSummary);
    expect(second).toMatchObject({
      online: false,
      connectedAt: null,
      lastSeenAt: null,
      lastDataAt: null,
      model: null,
    });
  });

  it('sorts by last sign of life, with what is connected seen now, and by time of connection', async () => {
    const [a, b, c, d] = add('acme', 'a', 'b', 'c', 'd') as [Device, Device, Device, Device];
    connect(bench.fleet, b, 2000);
    connect(bench.fleet, a, 3000);
    for (const [device, at] of [
      [c, 9000],
      [d, 8000],
    ] as const) {
      disconnect(bench.fleet, device, connect(bench.fleet, device, at), at);
    }
    expect(await names('?sort=-lastSeen')).toEqual(['acme/b', 'acme/a', 'acme/c', 'acme/d']);
    expect(await names('?sort=lastSeen')).toEqual(['acme/d', 'acme/c', 'acme/a', 'acme/b']);
    expect(await names('?sort=-connected')).toEqual(['acme/a', 'acme/b', 'acme/d', 'acme/c']);
    expect(await names('?sort=-name')).toEqual(['acme/d', 'acme/c', 'acme/b', 'acme/a']);
  });
});

describe('one device', () => {
  it('is read by its customer', async () => {
    add('acme', 'pump-7');
    const { status, body } = await bench.ask('GET', '/devices/acme/pump-7', { as: 'vera' });
    expect([status, (body as DeviceSummary).device]).toEqual([200, 'acme/pump-7']);
  });

  it('shows what it said of itself in hello, which a list of thousands leaves out', async () => {
    const [pump] = add('acme', 'pump-7') as [Device];
    const { body: before } = await bench.ask('GET', '/devices/acme/pump-7', { as: 'vera' });
    expect(before).toMatchObject({ meta: null, maxFrame: null });
    const meta = { site: 'north', floor: 2, spare: true, note: null };
    pump.description = { model: 'P7', firmware: null, meta, maxFrame: 4096 };
    const { body } = await bench.ask('GET', '/devices/acme/pump-7', { as: 'vera' });
    expect(body).toMatchObject({ model: 'P7', meta, maxFrame: 4096 });
    const { body: list } = await bench.ask('GET', '/devices', { as: 'vera' });
    expect((list as DeviceList).items[0]).not.toHaveProperty('meta');
  });

  it.each(['', '/state'])('is not found by others, just as one that is not there (%s)', async (rest) => {
    add('acme', 'pump-7');
    const theirs = await bench.ask('GET', `/devices/acme/pump-7${rest}`, { as: 'zoe' });
    const none = await bench.ask('GET', `/devices/acme/none${rest}`, { as: 'vera' });
    expect(theirs.status).toBe(404);
    expect(theirs.body).toEqual(none.body);
  });

  it('tells the newest value of every metric, with when it was measured and when it came', async () => {
    const [pump] = add('acme', 'pump-7') as [Device];
    connect(bench.fleet, pump, 5000);
    measure(bench.fleet, pump, { temp: 20, raw: new Uint8Array([1, 2]) }, 6000, 5900);
    measure(bench.fleet, pump, { temp: 21.5, ['__proto__']: 'a name like others' }, 7000);
    Object.assign(pump.member as Member, { heardAt: 7000 });
    pump.metrics.columnsFor(['reserved'], 100);
    const { body } = await bench.ask('GET', '/devices/acme/pump-7/state', { as: 'vera' });
    const { values, ...rest } = body as State;
    expect(rest).toEqual({
      device: 'acme/pump-7',
      online: true,
      connectedAt: 5000,
      lastSeenAt: 7000,
      lastDataAt: 7000,
      clock: 'ok',
    });
    expect(Object.entries(values)).toEqual([
      ['temp', { value: 21.5, at: 7000, receivedAt: 7000 }],
      ['raw', { value: { base64: 'AQI=' }, at: 5900, receivedAt: 6000 }],
      ['__proto__', { value: 'a name like others', at: 7000, receivedAt: 7000 }],
    ]);
  });
});

describe('forgetting a device', () => {
  it.each(['olga', 'boss'])('is done by %s', async (as) => {
    add('acme', 'pump-7');
    expect((await bench.ask('DELETE', '/devices/acme/pump-7', { as })).status).toBe(204);
    expect(bench.forgotten).toEqual(['acme/pump-7']);
    expect((await bench.ask('GET', '/devices/acme/pump-7', { as })).status).toBe(404);
    expect(bench.log).toMatchObject([{ level: 'info', fields: { device: 'acme/pump-7', by: as } }]);
  });

  it('is refused to a viewer, and finds nothing of others', async () => {
    add('acme', 'pump-7');
    add('beta', 'pump-7');
    expect((await bench.ask('DELETE', '/devices/acme/pump-7', { as: 'vera' })).status).toBe(403);
    expect((await bench.ask('DELETE', '/devices/beta/pump-7', { as: 'olga' })).status).toBe(404);
    expect((await bench.ask('DELETE', '/devices/acme/none', { as: 'olga' })).status).toBe(404);
    expect(bench.forgotten).toEqual([]);
  });
});
