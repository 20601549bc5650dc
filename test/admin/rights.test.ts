/** Who may ask what, and how a key is shown. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BURST } from '../../broker/access/failed-attempts.ts';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
});

/** Paths with their parameters filled in, as `[method, path]`. */
const operations = (): (readonly [string, string])[] =>
  Object.entries(bench.documented?.document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.security?.length !== 0)
      .map(([method]) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x')] as const),
  );

describe('without a valid key', () => {
  it('every operation but logging in and out is refused', async () => {
    const all = operations();
    expect(all.length).toBeGreaterThanOrEqual(25);
    for (const [method, path] of all) {
      const answer = await bench.ask(method, path);
      expect([method, path, answer.status]).toEqual([method, path, 401]);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="signalbox"');
    }
  });

  it.each([
    ['unknown', { authorization: 'Bearer sbx_nobody' }],
    ['malformed', { authorization: 'Bearer hello' }],
    ['revoked', { authorization: 'Bearer sbx_gone' }],
    ['of another scheme', { authorization: 'Basic c2J4X2Jvc3M6' }],
    ['empty', { authorization: 'Bearer ' }],
    ['unknown, in the other header', { 'x-api-key': 'sbx_nobody' }],
  ])('one that is %s gets the same 401', async (_, headers) => {
    const { status, body } = await bench.ask('GET', '/stats', { headers });
    expect([status, body]).toEqual([
      401,
      {
        type: 'urn:signalbox:problem:unauthorized',
        title: 'The key is not valid',
        status: 401,
        code: 'unauthorized',
        detail: 'The key is unknown, malformed, expired or revoked; send a valid one.',
      },
    ]);
  });

  it('an address that keeps trying is told to wait, and then may try again', async () => {
    const attempt = () => bench.ask('GET', '/stats', { as: 'nobody' });
    for (let tries = 0; tries < BURST; tries += 1) expect((await attempt()).status).toBe(401);
    const refused = await attempt();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
    expect(refused.body).toMatchObject({ code: 'too-many-requests', retryAfter: 2 });
    bench.clock.advance(2000);
    expect((await attempt()).status).toBe(401);
    expect((await attempt()).status).toBe(429);
  });

  it('a neighbour at the same address is not held up', async () => {
    for (let tries = 0; tries <= BURST; tries += 1) await bench.ask('GET', '/stats', { as: 'nobody' });
    expect((await bench.ask('GET', '/stats', { as: 'vera' })).status).toBe(200);
  });
});

describe('a valid key', () => {
  it.each<Record<string, string>>([
    { authorization: 'Bearer sbx_vera' },
    { authorization: 'bearer   sbx_vera' },
    { 'x-api-key': 'sbx_vera' },
    { authorization: 'Bearer sbx_vera', 'x-api-key': 'sbx_nobody' },
  ])('is taken from %o', async (headers) => {
    expect((await bench.ask('GET', '/session', { headers })).body).toEqual({
      keyId: 'vera',
      role: 'viewer',
      customer: 'acme',
    });
  });

  it.each(['key=sbx_vera', 'token=abc', 'api_key=x', 'ACCESS_TOKEN=x', 'q=sbx_vera'])(
    'in the URL is refused, even beside a good one: ?%s',
    async (query) => {
      const { status, body } = await bench.ask('GET', `/devices?${query}`, { as: 'vera' });
      expect([status, body]).toMatchObject([400, { code: 'key-in-url' }]);
    },
  );

  it('of a device opens nothing here', async () => {
    for (const [method, path] of operations()) {
      const { status, body } = await bench.ask(method, path, { as: 'pump' });
      expect([method, path, status, body]).toMatchObject([method, path, 403, { code: 'forbidden' }]);
    }
  });

  it('of a viewer reads and changes nothing', async () => {
    const changing = operations().filter(([method]) => method !== 'GET');
    expect(changing.length).toBeGreaterThanOrEqual(12);
    for (const [method, path] of changing) {
      expect([method, path, (await bench.ask(method, path, { as: 'vera' })).status]).toEqual([
        method,
        path,
        403,
      ]);
    }
  });

  it.each(['vera', 'olga'])('that is no admin (%s) does nothing with keys', async (as) => {
    for (const [method, path] of operations().filter(([, path]) => path.includes('/keys'))) {
      expect([method, path, (await bench.ask(method, path, { as })).status]).toEqual([method, path, 403]);
    }
  });
});

describe('customers', () => {
  it('are all told to an admin, with keys or devices, and one to others', async () => {
    bench.fleet.obtain('acme', 'pump-7');
    bench.fleet.obtain('left', 'no-key-any-more');
    const all = await bench.ask('GET', '/customers', { as: 'boss' });
    expect(all.body).toEqual({
      items: [
        { customer: 'acme', devices: 1, online: 0 },
        { customer: 'beta', devices: 0, online: 0 },
        { customer: 'left', devices: 1, online: 0 },
      ],
      next: null,
    });
    const own = await bench.ask('GET', '/customers', { as: 'zoe' });
    expect(own.body).toEqual({ items: [{ customer: 'beta', devices: 0, online: 0 }], next: null });
  });

  it('come in pages', async () => {
    const first = await bench.ask('GET', '/customers?limit=1', { as: 'boss' });
    const { next } = first.body as { next: string };
    const second = await bench.ask('GET', `/customers?limit=1&cursor=${next}`, { as: 'boss' });
    expect(second.body).toMatchObject({ items: [{ customer: 'beta' }], next: null });
  });
});

describe('figures', () => {
  it('are told whole to an admin, and to others without what comes from other customers', async () => {
    bench.fleet.obtain('acme', 'pump-7');
    bench.fleet.obtain('beta', 'fan-1');
    bench.fleet.obtain('beta', 'fan-2');
    const whole = (await bench.ask('GET', '/stats', { as: 'boss' })).body as Record<string, unknown>;
    expect(whole).toMatchObject({ devices: { total: 3, online: 0 }, broker: { viewers: 3 } });
    const own = (await bench.ask('GET', '/stats', { as: 'zoe' })).body as Record<string, unknown>;
    expect(own).toMatchObject({ devices: { total: 2, online: 0 }, version: '1.2.3' });
    expect(Object.keys(own)).not.toContain('broker');
  });
});
