/** Whatever goes wrong is answered in one form, with what to do, and never with what is inside. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
});

const asBoss = (headers: Record<string, string>, body: string) => ({ as: 'boss', headers, body });

describe('a request that cannot be taken', () => {
  it.each([
    ['limit=0', 'query.limit must be >= 1.'],
    ['limit=1001', 'query.limit must be <= 1000.'],
    ['limit=many', 'query.limit must be integer.'],
    ['limit=5&limit=6', 'query.limit must be integer.'],
    ['online=perhaps', 'query.online must be boolean.'],
    ['sort=age', 'query.sort must be one of name, -name, lastSeen, -lastSeen, connected, -connected.'],
    [`q=${'x'.repeat(65)}`, 'query.q must NOT have more than 64 characters.'],
    ['colour=red', 'query.colour is not known here; leave it out.'],
  ])('names the query parameter and what was expected: %s', async (query, detail) => {
    const answer = await bench.ask('GET', `/devices?${query}`, { as: 'vera' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request', detail } });
  });

  it.each(['{"customer":', 'customer=acme', '{"__proto__":{"role":"admin"}}'])(
    'is malformed JSON: %s',
    async (body) => {
      const answer = await bench.ask('POST', '/keys', { as: 'boss', body });
      expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } });
    },
  );

  it('has no JSON body', async () => {
    const body = 'customer=acme';
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await bench.ask('POST', '/keys', asBoss(form, body))).body).toMatchObject({
      code: 'unsupported-media-type',
    });
    expect((await bench.ask('POST', '/keys', asBoss({ 'content-type': 'text/plain' }, body))).status).toBe(
      415,
    );
    expect(await bench.ask('POST', '/keys', { as: 'boss' })).toMatchObject({
      status: 400,
      body: { detail: 'body must be object.' },
    });
  });

  it('has a body over 64 KiB', async () => {
    const answer = await bench.ask('POST', '/keys', {
      as: 'boss',
      body: { customer: 'acme', label: 'x'.repeat(65536) },
    });
    expect(answer).toMatchObject({ status: 413, body: { code: 'body-too-large' } });
  });

  it.each(['/nothing', '/devices/acme', '//nothing', '//api', '//api/v1/devices/%E0%A4%A'])(
    'goes nowhere: %s',
    async (path) => {
      const { status, body } = await bench.ask('GET', path, { as: 'boss' });
      expect([status, body]).toMatchObject([
        path.includes('%') ? 400 : 404,
        { type: expect.stringMatching(/^urn:signalbox:problem:/) },
      ]);
    },
  );

  it.each([
    ['GET', '/keys/'],
    ['POST', '/keys/'],
    ['DELETE', '/keys/'],
    ['DELETE', '/keys/vera/'],
    ['GET', '/devices/acme/'],
    ['PUT', '/devices/acme/'],
    ['GET', '/devices/?limit=1'],
    ['GET', '//v1/device/'],
    ['GET', '//livez/'],
  ])('goes nowhere, for the slash at the end of its path: %s %s', async (method, path) => {
    const { status, body } = await bench.ask(method, path, { as: 'boss' });
    expect([status, body]).toMatchObject([404, { code: 'not-found' }]);
  });

  it.each(['/keys/KEY', '/keys/KEY/', '/keys/KEY/rotate', '/devices/acme/KEY'])(
    'has a whole key in its path, which reaches neither the audit nor the log: %s',
    async (path) => {
      const key = `sbx_abcdefgh_${'s'.repeat(38)}`;
      const { status } = await bench.ask('DELETE', path.replace('KEY', key), { as: 'boss' });
      expect([400, 404, 405]).toContain(status);
      expect(JSON.stringify([await bench.entries(), bench.log])).not.toContain('ssss');
    },
  );

  it.each([
    ['POST', '/keys', { customer: 'acme', expiresIn: 1e300 }],
    ['POST', '/keys', { customer: 'acme', expiresIn: 1e15 }],
    ['POST', '/keys', { customer: 'acme', expiresAt: 1e300 }],
    ['POST', '/keys', { customer: 'acme', expiresAt: 9e15 }],
    ['POST', '/keys', '{"customer":"acme","expiresIn":1e999}'],
    ['POST', '/keys/vera/rotate', { overlapSeconds: 1e300 }],
    ['POST', '/commands', { select: { customer: 'acme' }, name: 'x', canary: 1e300 }],
    ['POST', '/commands', { select: { customer: 'acme' }, name: 'x', rate: 1e300 }],
    ['GET', '/audit?from=1e300', undefined],
    ['GET', '/audit?to=-1e300', undefined],
    ['GET', '/audit?to=Infinity', undefined],
    ['GET', '/keys?limit=Infinity', undefined],
    ['GET', '/keys?limit=1e999', undefined],
  ])('names a number that nothing can hold: %s %s %o', async (method, path, body) => {
    const answer = await bench.ask(method, path, { as: 'boss', ...(body !== undefined && { body }) });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  });

  it.each([
    ['PUT', '/devices', 'GET, HEAD'],
    ['POST', '/devices/acme/pump-7', 'GET, PUT, DELETE, HEAD'],
    ['PATCH', '/keys', 'GET, POST, HEAD'],
    ['GET', '/keys/vera', 'DELETE'],
    ['OPTIONS', '/session', 'GET, DELETE, POST, HEAD'],
    ['POST', '//livez', 'GET, HEAD'],
    ['DELETE', '//', 'GET, HEAD'],
  ])('uses a method that is not there: %s %s', async (method, path, allowed) => {
    const body = method === 'GET' || method === 'OPTIONS' ? undefined : '{broken';
    const answer = await bench.ask(method, path, body === undefined ? {} : { body });
    expect(answer).toMatchObject({ status: 405, body: { code: 'method-not-allowed' } });
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allowed.split(', ').sort());
  });

  it.each(['//v1/device', '//v1/live'])('speaks plain HTTP where WebSocket is spoken: %s', async (path) => {
    const { status, headers, body } = await bench.ask('GET', path);
    expect([status, headers.get('upgrade'), body]).toMatchObject([
      426,
      'websocket',
      { code: 'upgrade-required' },
    ]);
  });
});

describe('a failure of the broker itself', () => {
  it('is logged and not told', async () => {
    const cause = new Error('/var/lib/secret is full');
    const broken = await startAdmin({ forget: async () => Promise.reject(cause) });
    const { status, body } = await broken.ask('DELETE', '/devices/acme/pump-7', { as: 'olga' });
    expect([status, body]).toMatchObject([500, { code: 'internal' }]);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(broken.log).toMatchObject([
      {
        level: 'error',
        fields: { method: 'DELETE', route: '/api/v1/devices/:customer/:device', err: cause },
      },
    ]);
  });
});

describe('every answer', () => {
  it.each(['//livez', '/stats', '//nothing', '//api/openapi.json', '//'])(
    'tells browsers to load and guess nothing: %s',
    async (path) => {
      const { headers } = await bench.ask('GET', path, { as: 'vera' });
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
    },
  );
});
