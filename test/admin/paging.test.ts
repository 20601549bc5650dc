/** Pages of devices while devices come, go and change their state in between. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Device } from '../../broker/hub/fleet/device.ts';
import type { DeviceList } from '../../schemas/api.ts';
import { type AdminBench, startAdmin } from './api.ts';
import { connect, disconnect } from './fleet.ts';

let bench: AdminBench;
let devices: readonly Device[];
beforeEach(async () => {
  bench = await startAdmin();
  devices = Array.from({ length: 25 }, (_, at) =>
    bench.fleet.obtain('acme', `d${String(at).padStart(2, '0')}`),
  );
});

const ids = (list: DeviceList): string[] => list.items.map(({ id }) => id);

async function page(query: string, cursor: string | null): Promise<DeviceList> {
  const rest = cursor === null ? '' : `&cursor=${cursor}`;
  const { status, body } = await bench.ask('GET', `/devices?${query}${rest}`, { as: 'vera' });
  expect(status).toBe(200);
  return body as DeviceList;
}

/** All pages; `between` runs after each, with the number of pages read. */
async function readAll(query: string, between: (pages: number) => void = () => undefined): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | null = null;
  for (let pages = 1; ; pages += 1) {
    const list: DeviceList = await page(query, cursor);
    seen.push(...ids(list));
    cursor = list.next;
    if (cursor === null) return seen;
    between(pages);
  }
}

describe('reading a list page by page', () => {
  it.each(['name', '-name', 'lastSeen', '-lastSeen', 'connected', '-connected'])(
    'by %s gives every device once',
    async (sort) => {
      devices.slice(0, 12).forEach((device, at) => void connect(bench.fleet, device, 1000 + (at % 4)));
      const whole = ids(await page(`sort=${sort}&limit=1000`, null));
      expect(new Set(whole).size).toBe(25);
      expect(await readAll(`sort=${sort}&limit=7`)).toEqual(whole);
    },
  );

  it('ends with no cursor when the last page is just full', async () => {
    const first = await page('limit=25', null);
    expect([first.items.length, first.next]).toEqual([25, null]);
    expect((await page('limit=24', null)).next).not.toBeNull();
  });

  it('holds 100 devices a page where nobody says', async () => {
    for (let at = 100; at < 200; at += 1) bench.fleet.obtain('acme', `more${at}`);
    expect((await page('', null)).items.length).toBe(100);
  });

  it('misses and repeats nothing that stays, when devices come and go before the cursor', async () => {
    const seen = await readAll('limit=5', (pages) => {
      if (pages === 1) bench.fleet.forget(devices[1] as Device);
      if (pages === 2) bench.fleet.obtain('acme', 'a-new-one');
    });
    expect(seen).toEqual(devices.map(({ id }) => id));
  });

  it('goes on when the device that the cursor stands at is forgotten', async () => {
    const seen = await readAll('limit=5', () => {
      const last = bench.fleet.find('acme', 'd04');
      if (last) bench.fleet.forget(last);
    });
    expect(seen).toEqual(devices.map(({ id }) => id));
  });

  it('keeps its order while connected devices go on sending', async () => {
    for (const device of devices) connect(bench.fleet, device, 1000);
    const seen = await readAll('sort=-lastSeen&limit=4', (pages) => {
      for (const device of devices) device.lastDataAt = 1000 + pages * 1000;
    });
    expect([...seen].sort()).toEqual(devices.map(({ id }) => id));
  });

  it('moves nothing but the device whose connection ended', async () => {
    const members = devices.map((device) => connect(bench.fleet, device, 1000));
    const seen = await readAll('sort=-lastSeen&limit=6', (pages) => {
      if (pages === 1)
        disconnect(bench.fleet, devices[24] as Device, members[24] as (typeof members)[0], 2000);
    });
    expect(seen.filter((id) => id !== 'd24').sort()).toEqual(devices.slice(0, 24).map(({ id }) => id));
  });
});

describe('a cursor', () => {
  it('is refused in another order', async () => {
    const { next } = await page('sort=name&limit=5', null);
    const { status, body } = await bench.ask('GET', `/devices?sort=-name&cursor=${next}`, { as: 'vera' });
    expect([status, body]).toMatchObject([
      400,
      { code: 'bad-request', detail: expect.stringContaining('keep sort') },
    ]);
  });

  it.each(['nonsense', 'bnVsbA', 'WzEsMiwzXQ', ''])('that no page gave is refused: "%s"', async (cursor) => {
    const { status, body } = await bench.ask('GET', `/devices?cursor=${cursor}`, { as: 'vera' });
    expect([status, body]).toMatchObject([400, { detail: expect.stringContaining('query.cursor') }]);
  });

  it('of an admin shows a viewer nothing more', async () => {
    bench.fleet.obtain('beta', 'secret');
    const { body } = await bench.ask('GET', '/devices?limit=5', { as: 'boss' });
    const rest = await bench.ask('GET', `/devices?cursor=${(body as DeviceList).next}`, { as: 'vera' });
    expect((rest.body as DeviceList).items.every(({ customer }) => customer === 'acme')).toBe(true);
  });
});
