/** Logging a browser in and out, and what a page may do with its cookie. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminBench, startAdmin } from './api.ts';
import { keyRow } from './fakes.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
});

const cookieOf = (id: string) => ({ cookie: `signalbox_session=cookie-${id}` });

async function login(key: string): Promise<Record<string, string>> {
  const { status } = await bench.ask('POST', '/session', { body: { key: `sbx_${key}` } });
  expect(status).toBe(201);
  return cookieOf(key);
}

describe('logging in', () => {
  it('trades a key for a cookie that scripts and other sites cannot use', async () => {
    const { status, body, headers } = await bench.ask('POST', '/session', { body: { key: 'sbx_olga' } });
    const expiresAt = bench.clock.now() + 3_600_000;
    expect([status, body]).toEqual([201, { keyId: 'olga', role: 'operator', customer: 'acme', expiresAt }]);
    expect(headers.get('set-cookie')).toBe(
      'signalbox_session=cookie-olga; Max-Age=34560000; Path=/; HttpOnly; SameSite=Strict',
    );
  });

  it('takes a one-time token, once', async () => {
    bench.browserSessions.tokens.set('once', keyRow('boss', 'admin', '*'));
    const body = { token: 'once' };
    expect(await bench.ask('POST', '/session', { body })).toMatchObject({
      status: 201,
      body: { role: 'admin', customer: '*' },
    });
    expect((await bench.ask('POST', '/session', { body })).status).toBe(401);
  });

  it('is refused to device keys and to keys that are not valid', async () => {
    expect(await bench.ask('POST', '/session', { body: { key: 'sbx_pump' } })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    const { status, headers } = await bench.ask('POST', '/session', { body: { key: 'sbx_gone' } });
    expect([status, headers.get('set-cookie')]).toEqual([401, null]);
  });

  it.each([{}, { key: 'sbx_olga', token: 'once' }])('needs one of key and token: %j', async (body) => {
    expect(await bench.ask('POST', '/session', { body })).toMatchObject({
      status: 400,
      body: { code: 'bad-request' },
    });
  });

  it('is refused to a page of another origin', async () => {
    const headers = { origin: 'https://evil.example' };
    const answer = await bench.ask('POST', '/session', { headers, body: { key: 'sbx_olga' } });
    expect(answer).toMatchObject({ status: 403, body: { code: 'origin-refused' } });
  });
});

describe('behind a proxy that ends TLS', () => {
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'box.example' };
  const login = (at: AdminBench, headers: Readonly<Record<string, string>>) =>
    at.ask('POST', '/session', { headers, body: { key: 'sbx_olga' } });

  it('the cookie is Secure and the page of the outer address is ours', async () => {
    const proxied = await startAdmin({ server: { trustedProxies: ['127.0.0.1'] } });
    const { status, headers } = await login(proxied, { ...forwarded, origin: 'https://box.example' });
    expect([status, headers.get('set-cookie')]).toEqual([201, expect.stringContaining('; Secure')]);
  });

  it('nothing is believed of a proxy that is not trusted', async () => {
    const { headers } = await login(bench, forwarded);
    expect(headers.get('set-cookie')).not.toContain('Secure');
    expect((await login(bench, { ...forwarded, origin: 'https://box.example' })).status).toBe(403);
  });
});

describe('a browser that is logged in', () => {
  it('is told who it is and reads what its key may read', async () => {
    const headers = await login('vera');
    expect((await bench.ask('GET', '/session', { headers })).body).toEqual({
      keyId: 'vera',
      role: 'viewer',
      customer: 'acme',
    });
    expect((await bench.ask('GET', '/devices', { headers })).status).toBe(200);
    expect((await bench.ask('GET', '/keys', { headers })).status).toBe(403);
  });

  it.each<[string, (host: string) => Record<string, string>]>([
    ['Origin is ours', (host) => ({ origin: `http://${host}` })],
    ['Sec-Fetch-Site says same-origin', () => ({ 'sec-fetch-site': 'same-origin' })],
    ['Origin is one that the operator allowed', () => ({ origin: 'https://wall.example' })],
  ])('writes from our own page: %s', async (_, page) => {
    const allowing = await startAdmin({ server: { allowedOrigins: ['https://wall.example'] } });
    await allowing.ask('POST', '/session', { body: { key: 'sbx_boss' } });
    const headers = { ...cookieOf('boss'), ...page(allowing.host) };
    expect((await allowing.ask('DELETE', '/keys/vera', { headers })).status).toBe(204);
  });

  it.each<[string, Record<string, string>]>([
    ['no Origin', {}],
    ['another Origin', { origin: 'https://evil.example' }],
    [
      'another Origin and a Sec-Fetch-Site that contradicts it',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
    ['another site', { 'sec-fetch-site': 'same-site' }],
    ['an opaque Origin', { origin: 'null' }],
  ])('writes nothing from elsewhere: %s', async (_, page) => {
    const headers = { ...(await login('boss')), ...page };
    const answer = await bench.ask('DELETE', '/keys/vera', { headers });
    expect(answer).toMatchObject({ status: 403, body: { code: 'origin-refused' } });
    expect(bench.keys.find('vera')?.revokedAt).toBeNull();
  });

  it('is asked for no Origin when it sends a key itself', async () => {
    const headers = await login('boss');
    expect((await bench.ask('DELETE', '/keys/vera', { as: 'boss', headers })).status).toBe(204);
  });

  it('is logged out for good', async () => {
    const headers = { ...(await login('vera')), origin: `http://${bench.host}` };
    const answer = await bench.ask('DELETE', '/session', { headers });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([
      204,
      'signalbox_session=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Strict',
    ]);
    expect(await bench.ask('GET', '/session', { headers })).toMatchObject({
      status: 401,
      body: { code: 'unauthorized' },
    });
    expect((await bench.ask('DELETE', '/session')).status).toBe(204);
  });

  it('is not logged out by another site', async () => {
    const headers = await login('vera');
    expect(
      (await bench.ask('DELETE', '/session', { headers: { ...headers, origin: 'https://evil.example' } }))
        .status,
    ).toBe(403);
    expect((await bench.ask('GET', '/session', { headers })).status).toBe(200);
  });
});
