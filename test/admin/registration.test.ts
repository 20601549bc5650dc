/** Making a device known over HTTP before it first connects: with its key, or by naming it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceList } from '../../schemas/api.ts';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
});

const PATH = '/devices/acme/pump-9';
const put = (body: unknown, path = PATH, as = 'olga') => bench.ask('PUT', path, { as, body });
const get = async (path = PATH) => (await bench.ask('GET', path, { as: 'vera' })).body;

describe('a device that has not connected yet', () => {
  it('is listed from the moment its key is created, and was never seen', async () => {
    const key = { customer: 'acme', device: 'pump-9' };
    expect(await bench.ask('POST', '/keys', { as: 'boss', body: key })).toMatchObject({ status: 201 });
    const { items } = (await bench.ask('GET', '/devices', { as: 'vera' })).body as DeviceList;
    expect(items).toMatchObject([{ device: 'acme/pump-9', online: false, lastSeenAt: null, tags: [] }]);
    expect((await bench.ask('GET', '/stats', { as: 'vera' })).body).toMatchObject({
      devices: { total: 1, online: 0, neverSeen: 1 },
    });
  });

  it('takes commands and desired state at once', async () => {
    await put({});
    const command = await bench.ask('POST', `${PATH}/commands`, { as: 'olga', body: { name: 'reboot' } });
    expect(command).toMatchObject({ status: 201, body: { status: 'queued' } });
    const desired = await bench.ask('PUT', `${PATH}/desired`, { as: 'olga', body: { interval: 30 } });
    expect(desired).toMatchObject({ status: 200 });
  });

  it('a key of a whole fleet makes no device', async () => {
    await bench.ask('POST', '/keys', { as: 'boss', body: { customer: 'acme' } });
    expect(bench.fleet.total).toBe(0);
  });
});

describe('naming a device', () => {
  it('answers 201 the first time, then 200, and replaces what was said', async () => {
    const profile = {
      label: 'North hall',
      tags: ['hall', 'wet'],
      notes: 'Behind the boiler.\nBring a lamp.',
    };
    expect(await put(profile)).toMatchObject({ status: 201, body: { ...profile, lastSeenAt: null } });
    expect(await put(profile)).toMatchObject({ status: 200, body: profile });
    expect(await put({ tags: ['dry'] })).toMatchObject({ status: 200 });
    expect(await get()).toMatchObject({ label: null, tags: ['dry'], notes: null });
  });

  it('keeps its name when a key is made for it', async () => {
    await put({ label: 'North hall' });
    await bench.ask('POST', '/keys', { as: 'boss', body: { customer: 'acme', device: 'pump-9' } });
    expect(await get()).toMatchObject({ label: 'North hall' });
  });

  it('finds it by its label and its tags', async () => {
    await put({ label: 'North Hall', tags: ['Wet'] });
    await put({}, '/devices/acme/fan-1');
    for (const q of ['north', 'wet', 'UMP-9']) {
      const { items } = (await bench.ask('GET', `/devices?q=${q}`, { as: 'vera' })).body as DeviceList;
      expect(items.map(({ id }) => id)).toEqual(['pump-9']);
    }
  });

  it.each([
    [{ label: 'x'.repeat(65) }, 'body.label must NOT have more than 64 characters.'],
    [{ label: 'ü'.repeat(33) }, 'The label takes 66 bytes as UTF-8; at most 64 are kept.'],
    [{ tags: Array.from({ length: 17 }, String) }, 'body.tags must NOT have more than 16 items.'],
    [{ tags: ['a', 'a'] }, 'body.tags must NOT have duplicate items (items ## 1 and 0 are identical).'],
    [{ tags: [''] }, 'body.tags.0 must NOT have fewer than 1 characters.'],
    [{ tags: ['é'.repeat(17)] }, `The tag "${'é'.repeat(17)}" takes 34 bytes as UTF-8; at most 32 are kept.`],
    [{ notes: 'é'.repeat(600) }, 'The notes takes 1200 bytes as UTF-8; at most 1024 are kept.'],
    [{ name: 'x' }, 'body.name is not known here; leave it out.'],
  ])('refuses %j and says what was expected', async (body, detail) => {
    expect(await put(body)).toMatchObject({ status: 400, body: { detail } });
    expect(bench.fleet.total).toBe(0);
  });

  it('refuses what moves the cursor of a terminal', async () => {
    expect(await put({ label: '\u001b[2J' })).toMatchObject({ status: 400 });
  });

  it('takes no name that no device can have', async () => {
    expect(await put({}, '/devices/acme/pump%209')).toMatchObject({ status: 400 });
  });

  it('is for operators, of their own customer', async () => {
    expect(await put({}, PATH, 'vera')).toMatchObject({ status: 403 });
    expect(await put({}, PATH, 'pump')).toMatchObject({ status: 403 });
    expect(await put({}, '/devices/beta/pump-9')).toMatchObject({ status: 404 });
    expect(await put({}, '/devices/beta/pump-9', 'boss')).toMatchObject({ status: 201 });
  });

  it('takes no customer that nobody has made a key for, which would be a typing error', async () => {
    expect(await put({}, '/devices/acmee/pump-9', 'boss')).toMatchObject({
      status: 404,
      body: { detail: 'There is no customer of this name; one exists once a key names it.' },
    });
  });

  it('is in the audit, refused or not', async () => {
    await put({});
    await put({}, PATH, 'vera');
    expect(await bench.entries()).toMatchObject([
      { action: 'device.put', target: 'acme/pump-9', by: 'olga', outcome: 'done' },
      {
        action: 'device.put',
        target: 'acme/pump-9',
        by: 'vera',
        outcome: expect.stringContaining('refused'),
      },
    ]);
  });
});
