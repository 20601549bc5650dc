/** Managing keys over HTTP. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Key } from '../../schemas/api.ts';
import { ROLES } from '../../schemas/roles.ts';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
});

const create = (body: unknown) => bench.ask('POST', '/keys', { as: 'boss', body });

async function list(query = ''): Promise<Key[]> {
  return ((await bench.ask('GET', `/keys${query}`, { as: 'boss' })).body as { items: Key[] }).items;
}

describe('creating a key', () => {
  it('tells the secret once', async () => {
    const { status, body } = await create({ customer: 'acme', device: 'pump-8', label: 'line 2' });
    expect(status).toBe(201);
    const { key, ...rest } = body as Key;
    expect(rest).toEqual({
      id: 'created6',
      customer: 'acme',
      device: 'pump-8',
      role: 'device',
      label: 'line 2',
      createdAt: bench.clock.now(),
    });
    expect(key).toBe('sbx_created6');
    expect(await list()).toContainEqual(rest);
    expect(JSON.stringify(bench.log)).not.toContain('sbx_');
  });

  it.each([
    [{ customer: 'acme' }, { customer: 'acme', role: 'device' }],
    [
      { customer: 'new-customer', role: 'viewer' },
      { customer: 'new-customer', role: 'viewer' },
    ],
    [
      { customer: 'acme', role: 'operator' },
      { customer: 'acme', role: 'operator' },
    ],
    [{ role: 'admin' }, { customer: '*', role: 'admin' }],
    [
      { role: 'admin', customer: '*' },
      { customer: '*', role: 'admin' },
    ],
  ])('takes %o', async (body, expected) => {
    expect(await create(body)).toMatchObject({ status: 201, body: expected });
  });

  it('counts expiresIn from now and takes expiresAt as it is', async () => {
    const now = bench.clock.now();
    expect((await create({ customer: 'acme', expiresIn: 60 })).body).toMatchObject({
      expiresAt: now + 60_000,
    });
    expect((await create({ customer: 'acme', expiresAt: now + 1 })).body).toMatchObject({
      expiresAt: now + 1,
    });
  });

  it.each([
    [{}, 'body.customer must name one customer for the role device.'],
    [{ customer: '*' }, 'body.customer must name one customer for the role device.'],
    [{ customer: 'no spaces' }, 'body.customer must match pattern'],
    [{ role: 'admin', customer: 'acme' }, 'body.customer must be * or left out for an admin'],
    [{ customer: 'acme', role: 'viewer', device: 'pump-7' }, 'body.device belongs to the role device'],
    [{ customer: 'acme', role: 'king' }, `body.role must be one of ${ROLES.join(', ')}.`],
    [{ customer: 'acme', label: 5 }, 'body.label must be string.'],
    [{ customer: 'acme', labell: 'x' }, 'body.labell is not known here; leave it out.'],
    [{ customer: 'acme', expiresAt: 1700000000 }, 'body.expiresAt must lie in the future'],
    [{ customer: 'acme', expiresAt: 1, expiresIn: 1 }, 'exclude each other'],
    [{ customer: 'acme', expiresIn: '60' }, 'body.expiresIn must be integer.'],
    [[], 'body must be object.'],
  ])('refuses %j and says why', async (body, detail) => {
    const answer = await create(body);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'bad-request', detail: expect.stringContaining(detail) },
    });
  });
});

describe('the list of keys', () => {
  it('shows those that are valid, oldest first, without absent members', async () => {
    expect(await list('?customer=acme')).toEqual([
      { id: 'olga', customer: 'acme', role: 'operator', createdAt: 2 },
      { id: 'vera', customer: 'acme', role: 'viewer', createdAt: 3, label: 'wall screen' },
      { id: 'pump', customer: 'acme', role: 'device', createdAt: 5, device: 'pump-7', lastUsedAt: 900 },
    ]);
    expect((await list()).map(({ id }) => id)).toEqual(['boss', 'olga', 'vera', 'zoe', 'pump']);
  });

  it('comes in pages', async () => {
    const { body } = await bench.ask('GET', '/keys?limit=4', { as: 'boss' });
    expect((await list(`?limit=4&cursor=${(body as { next: string }).next}`)).map(({ id }) => id)).toEqual([
      'pump',
    ]);
  });
});

describe('rotating a key', () => {
  it('gives a new one and lets the old one work for the overlap', async () => {
    const { status, body } = await bench.ask('POST', '/keys/pump/rotate', {
      as: 'boss',
      body: { overlapSeconds: 60 },
    });
    expect([status, body]).toMatchObject([201, { customer: 'acme', device: 'pump-7', key: 'sbx_created6' }]);
    expect((await list()).find(({ id }) => id === 'pump')?.expiresAt).toBe(bench.clock.now() + 60_000);
  });

  it.each([undefined, {}, ''])('overlaps for a day where nobody says (body %j)', async (body) => {
    const ask = body === undefined ? { as: 'boss' } : { as: 'boss', body };
    expect((await bench.ask('POST', '/keys/pump/rotate', ask)).status).toBe(201);
    expect(bench.keys.find('pump')?.expiresAt).toBe(bench.clock.now() + 86_400_000);
  });

  it.each(['none', 'gone'])('finds no key that is not there or revoked: %s', async (id) => {
    expect((await bench.ask('POST', `/keys/${id}/rotate`, { as: 'boss', body: {} })).status).toBe(404);
  });
});

describe('revoking a key', () => {
  it('ends it', async () => {
    expect((await bench.ask('DELETE', '/keys/vera', { as: 'boss' })).status).toBe(204);
    expect((await bench.ask('GET', '/devices', { as: 'vera' })).status).toBe(401);
    expect((await bench.ask('DELETE', '/keys/vera', { as: 'boss' })).status).toBe(404);
    expect(bench.log).toMatchObject([{ fields: { key: 'vera', by: 'boss' }, message: 'A key was revoked.' }]);
  });

  it('is taken with the JSON header that some clients always send', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await bench.ask('DELETE', '/keys/vera', { as: 'boss', headers })).status).toBe(204);
  });

  it('is refused for the key that asks, so that nobody locks itself out', async () => {
    expect(await bench.ask('DELETE', '/keys/boss', { as: 'boss' })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
    expect(bench.keys.find('boss')?.revokedAt).toBeNull();
  });
});
