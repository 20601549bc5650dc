/** Desired state over HTTP: changing it without losing an update, and seeing what the device has made of it (P-6). */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
  bench.fleet.obtain('acme', 'pump-7');
});

const PATH = '/devices/acme/pump-7/desired';
const read = (as = 'vera') => bench.ask('GET', PATH, { as });
const change = (method: 'PUT' | 'PATCH', body: unknown, ifMatch?: string, as = 'olga') =>
  bench.ask(method, PATH, { as, body, headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } });

describe('desired state', () => {
  it('of a device that nobody has told anything is version "0", and there is no difference', async () => {
    const { status, headers, body } = await read();
    expect([status, headers.get('etag')]).toEqual([200, '"0"']);
    const nothing = { desired: null, reported: null, difference: {}, inSync: true };
    expect(body).toEqual({ device: 'acme/pump-7', ...nothing });
  });

  it('is replaced whole, and says by whom and when', async () => {
    const { status, headers, body } = await change('PUT', { mode: 'auto', limit: 5 });
    expect([status, headers.get('etag')]).toEqual([200, '"1"']);
    const at = bench.clock.now();
    expect(body).toMatchObject({
      desired: { version: 1, values: { mode: 'auto', limit: 5 }, at, by: 'olga' },
      difference: { mode: { desired: 'auto' }, limit: { desired: 5 } },
      inSync: false,
    });
  });

  it('shows what the device has made of it', async () => {
    await change('PUT', { mode: 'auto', limit: 5 });
    bench.reports('acme/pump-7', 1, { mode: 'auto', limit: 4, key: new Uint8Array([1]) });
    expect((await read()).body).toMatchObject({
      reported: { version: 1, values: { key: { base64: 'AQ==' } } },
      difference: { limit: { desired: 5, reported: 4 } },
      inSync: false,
    });
    bench.reports('acme/pump-7', 1, { mode: 'auto', limit: 5 });
    expect((await read()).body).toMatchObject({ difference: {}, inSync: true });
  });

  it('is changed in part by a merge patch, under its own media type too', async () => {
    await change('PUT', { mode: 'auto', limit: 5 });
    const headers = { 'content-type': 'application/merge-patch+json' };
    const answer = await bench.ask('PATCH', PATH, { as: 'olga', body: { limit: 7, mode: null }, headers });
    expect([answer.headers.get('etag'), answer.body]).toMatchObject([
      '"2"',
      { desired: { values: { limit: 7 } } },
    ]);
  });

  it.each<[unknown, string]>([
    ['[1]', 'body must be object.'],
    [
      { 'no spaces': 1 },
      'body has the name "no spaces", which must match pattern "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$".',
    ],
    [
      { mode: { deep: [2 ** 53] } },
      'body.mode.deep.0 is beyond plus or minus 2^53-1, where integers are rounded; send it as text.',
    ],
    ['{"__proto__":1}', 'body has the key __proto__, which no map may hold.'],
  ])('%j is refused with what was expected', async (body, detail) => {
    for (const method of ['PUT', 'PATCH'] as const)
      expect(await change(method, body)).toMatchObject({ status: 400, body: { detail } });
    expect((await read()).headers.get('etag')).toBe('"0"');
  });

  it('of an unknown device is 404', async () => {
    expect((await bench.ask('GET', '/devices/acme/none/desired', { as: 'vera' })).status).toBe(404);
  });
});

describe('two people who change desired state at once', () => {
  it('do not overwrite each other: the second is told the version that it has missed', async () => {
    const seen = (await read('olga')).headers.get('etag') ?? '';
    expect((await change('PUT', { mode: 'auto' }, seen)).status).toBe(200);
    const late = await change('PUT', { mode: 'manual' }, seen, 'boss');
    expect(late).toMatchObject({ status: 412, body: { code: 'precondition-failed' } });
    expect(late.headers.get('etag')).toBe('"1"');
    expect((await change('PATCH', { mode: 'manual' }, late.headers.get('etag') ?? '', 'boss')).status).toBe(
      200,
    );
    expect((await read()).body).toMatchObject({ desired: { version: 2, by: 'boss' } });
  });

  it.each([undefined, '*', ' * '])('may say that they do not mind (If-Match: %s)', async (ifMatch) => {
    await change('PUT', { mode: 'auto' });
    expect((await change('PUT', { mode: 'manual' }, ifMatch)).status).toBe(200);
  });

  it.each(['W/"1"', '1', '"1", "2"', '"abc"', ''])(
    'hear what an ETag looks like instead of %s',
    async (ifMatch) => {
      await change('PUT', { mode: 'auto' });
      const answer = await change('PUT', { mode: 'manual' }, ifMatch);
      expect(answer).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining('If-Match must be * or the ETag of an answer, such as "3"') },
      });
      expect(answer.headers.get('etag')).toBe('"1"');
    },
  );
});
