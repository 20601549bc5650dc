import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { BURST } from '../../broker/access/failed-attempts.ts';
import type { Clock } from '../../broker/base/clock.ts';
import { systemEnvironment } from '../../broker/main.ts';
import { startBroker } from '../helpers/broker.ts';
import { connect, refusal } from '../helpers/device.ts';

/** No second passes, however long the test takes: what limits a rate lets nothing more through. */
const STILL: Clock = { ...systemEnvironment.clock, monotonic: () => 0 };

describe('a device is refused before the upgrade', () => {
  it('P-1.5: with one and the same 401 for a key that is unknown, mistyped, missing, expired or revoked', async () => {
    const { url, key, broker } = await startBroker();
    const good = await key('device', 'acme', 'pump');
    const revoked = await key('device', 'acme', 'pump');
    await broker.parts.keys.revoke(revoked.slice(4, 12));
    const request = { customer: 'acme', device: 'pump', role: 'device' as const, label: null, expiresAt: 1 };
    const expired = (await broker.parts.keys.create(request)).key;
    const mistyped = `${good.slice(0, -1)}${good.endsWith('a') ? 'b' : 'a'}`;
    const unknown = 'sbx_00000000_00000000000000000000000000000000000000';
    const answers = await Promise.all(
      [unknown, mistyped, '', expired, revoked].map((text) => refusal(url, { key: text })),
    );
    expect(new Set(answers.map(({ problem }) => JSON.stringify(problem))).size).toBe(1);
    expect(answers[0]).toMatchObject({
      status: 401,
      headers: {
        'content-type': 'application/problem+json',
        'www-authenticate': expect.stringContaining('Bearer'),
      },
      problem: { code: 'unauthorized', status: 401, type: 'urn:signalbox:problem:unauthorized' },
    });
  });

  it('P-1.2: with 400 and a hint when the key is in the URL, even a good one', async () => {
    const { url, key } = await startBroker();
    const path = `/v1/device?key=${await key('device', 'acme', 'pump')}`;
    const { status, problem } = await refusal(url, { path });
    expect([status, problem.code]).toEqual([400, 'key-in-url']);
    expect(problem.detail).toContain('X-API-Key');
  });

  it('P-1.2: not for the key in the URL, if the operator allows that', async () => {
    const { url, key } = await startBroker({ config: { devices: { keyInUrl: true } } });
    await connect(url, { path: `/v1/device?key=${await key('device', 'acme', 'pump')}` });
  });

  it('P-1.1: with 400 for other subprotocols without ours; ours is echoed', async () => {
    const { url, key } = await startBroker();
    const credentials = { key: await key('device', 'acme', 'pump') };
    const { status, problem } = await refusal(url, { ...credentials, protocols: ['mqtt'] });
    expect([status, problem.code]).toEqual([400, 'bad-subprotocol']);
    const device = await connect(url, { ...credentials, protocols: ['mqtt', 'signalbox.v1'] });
    expect(device.socket.protocol).toBe('signalbox.v1');
    expect(device.socket.extensions).toBe('');
  });

  it('P-1.5: with 429 when a fleet key names one device too many; known ones, and those with a key of their own, come in', async () => {
    const { url, key } = await startBroker({ config: { limits: { devicesPerCustomer: 2 } } });
    const fleet = await key('device', 'acme');
    const own = await key('device', 'acme', 'own');
    const path = (device: string) => `/v1/device?device=${device}`;
    for (const device of ['pump', 'valve']) await connect(url, { key: fleet, path: path(device) });
    const { status, headers, problem } = await refusal(url, { key: fleet, path: path('third') });
    expect([status, problem.code, problem.limit]).toEqual([
      429,
      'too-many-devices',
      'limits.devicesPerCustomer',
    ]);
    expect(headers['retry-after']).toBe('300');
    await connect(url, { key: fleet, path: path('pump') });
    await connect(url, { key: own });
    await connect(url, { key: await key('device', 'other'), path: path('third') });
  });

  it('P-1.3: when a fleet key names no device, or an ill-formed one; or a key names another than its own', async () => {
    const { url, key } = await startBroker();
    const fleet = await key('device', 'acme');
    const own = await key('device', 'acme', 'pump');
    const answers = await Promise.all([
      refusal(url, { key: fleet }),
      refusal(url, { key: fleet, path: '/v1/device?device=a%2Fb' }),
      refusal(url, { key: own, path: '/v1/device?device=valve' }),
    ]);
    expect(answers.map(({ status, problem }) => [status, problem.code])).toEqual([
      [400, 'device-missing'],
      [400, 'device-id-invalid'],
      [403, 'device-mismatch'],
    ]);
    await connect(url, { key: fleet, path: '/v1/device?device=valve' });
    await connect(url, { key: own, path: '/v1/device?device=pump' });
  });

  it('P-1.3: with 403 when the key is a person’s', async () => {
    const { url, key } = await startBroker();
    const { status, problem } = await refusal(url, { key: await key('operator', 'acme') });
    expect([status, problem.code]).toEqual([403, 'forbidden']);
  });

  it('P-1.5: with 404 under another path, and 426 without an upgrade', async () => {
    const { url, key } = await startBroker();
    const { status } = await refusal(url, { key: await key('device', 'acme', 'pump'), path: '/v2/device' });
    expect(status).toBe(404);
    const plain = await fetch(`${url}/v1/device`);
    expect([plain.status, plain.headers.get('content-type')]).toEqual([
      426,
      expect.stringContaining('application/problem+json'),
    ]);
  });

  it('P-1.2: alike on every address when Authorization holds no bearer token, whatever X-API-Key says', async () => {
    const { url, key } = await startBroker();
    const basic = async (role: 'device' | 'viewer') => ({
      Authorization: 'Basic YTpi',
      'X-API-Key': await key(role, 'acme', role === 'device' ? 'pump' : undefined),
    });
    const viewing = await basic('viewer');
    const { status } = await fetch(`${url}/api/v1/devices`, { headers: viewing });
    const live = await refusal(url, { path: '/v1/live', headers: viewing });
    const device = await refusal(url, { headers: await basic('device') });
    expect([status, live.status, device.status]).toEqual([401, 401, 401]);
  });

  it('and told to wait after too many wrong keys, whichever way they came; a right one is let in', async () => {
    const { url, key } = await startBroker({ environment: { clock: STILL } });
    const ways = [
      async (wrong: string) => (await refusal(url, { key: wrong })).status,
      async (wrong: string) => (await refusal(url, { path: '/v1/live', key: wrong })).status,
      async (wrong: string) =>
        (await fetch(`${url}/api/v1/stats`, { headers: { 'X-API-Key': wrong } })).status,
    ];
    const statuses: number[] = [];
    for (let tries = 0; tries < BURST + 6; tries += 1)
      statuses.push(await (ways[tries % 3] as (wrong: string) => Promise<number>)(`wrong${tries}`));
    expect(statuses.slice(0, BURST)).toEqual(Array(BURST).fill(401));
    expect(statuses.slice(-3)).toEqual([429, 429, 429]);
    const { headers, problem } = await refusal(url, { key: 'wrong' });
    expect([problem.code, Number(headers['retry-after'])]).toEqual(['too-many-requests', problem.retryAfter]);
    await connect(url, { key: await key('device', 'acme', 'pump') });
    expect((await refusal(url, {})).status).toBe(401);
  });

  it('P-1.2: takes the key as a bearer token too', async () => {
    const { url, key } = await startBroker();
    await connect(url, { headers: { Authorization: `Bearer ${await key('device', 'acme', 'pump')}` } });
  });
});

describe('admission names the limit and when to try again', () => {
  const cases = [
    { limit: 'connections', code: 'too-many-connections', status: 503 },
    { limit: 'connectionsPerCustomer', code: 'too-many-of-customer', status: 429 },
    { limit: 'connectionsPerAddress', code: 'too-many-from-address', status: 429 },
  ];
  it.each(cases)('limits.$limit', async ({ limit, code, status }) => {
    const { url, key } = await startBroker({ config: { limits: { [limit]: 1 } } });
    const fleet = await key('device', 'acme');
    const first = await connect(url, { key: fleet, path: '/v1/device?device=a' });
    const refused = await refusal(url, { key: fleet, path: '/v1/device?device=b' });
    expect(refused.status).toBe(status);
    expect(refused.problem).toMatchObject({ code, limit: `limits.${limit}`, retryAfter: 30 });
    expect(refused.headers['retry-after']).toBe('30');
    await connect(url, { key: fleet, path: '/v1/device?device=a' });
    await first.closed;
  });

  it('gives the place back when a connection ends', async () => {
    const { url, key, broker } = await startBroker({ config: { limits: { connections: 1 } } });
    const fleet = await key('device', 'acme');
    const left = new Promise<void>((resolve) => {
      broker.parts.fleet.onPresence((_device, presence) => presence.state === 'offline' && resolve());
    });
    const first = await connect(url, { key: fleet, path: '/v1/device?device=a' });
    first.socket.terminate();
    await left;
    await connect(url, { key: fleet, path: '/v1/device?device=b' });
  });

  it('limits.handshakesPerSecond', async () => {
    const { url, key } = await startBroker({
      config: { limits: { handshakesPerSecond: 1 } },
      environment: { clock: STILL },
    });
    const fleet = await key('device', 'acme');
    for (const id of ['a', 'b']) await connect(url, { key: fleet, path: `/v1/device?device=${id}` });
    const refused = await refusal(url, { key: fleet, path: '/v1/device?device=c' });
    expect([refused.status, refused.problem.limit]).toEqual([429, 'limits.handshakesPerSecond']);
  });
});

describe('an open connection', () => {
  it('P-2.2: is closed with 1009 for 65 KiB in one message', async () => {
    const { url, key } = await startBroker();
    const device = await connect(url, { key: await key('device', 'acme', 'pump') });
    device.send(new Uint8Array(65 * 1024));
    expect((await device.closed).code).toBe(1009);
  });

  it('P-7.2: is closed with 4029 for a flood of pings or of fragments', async () => {
    const { url, key } = await startBroker({ environment: { clock: STILL } });
    const pinging = await connect(url, { key: await key('device', 'acme', 'pump') });
    for (let sent = 0; sent < 50; sent += 1) pinging.socket.ping();
    expect((await pinging.closed).code).toBe(4029);
    const splitting = await connect(url, { key: await key('device', 'acme', 'valve') });
    for (let sent = 0; sent < 200; sent += 1) splitting.socket.send(Uint8Array.of(0), { fin: false });
    expect((await splitting.closed).code).toBe(4029);
  });

  it('ends within two seconds when its key is revoked or its device forgotten, and only then', async () => {
    const { url, key, broker } = await startBroker();
    const pump = await connect(url, { key: await key('device', 'acme', 'pump') });
    const [doomed, valveKey] = [await key('device', 'acme', 'tap'), await key('device', 'acme', 'valve')];
    const tap = await connect(url, { key: doomed });
    const valve = await connect(url, { key: valveKey });
    await broker.parts.keys.revoke(doomed.slice(4, 12));
    expect((await tap.closed).code).toBe(4003);
    const admin = await key('admin', '*');
    await fetch(`${url}/api/v1/devices/acme/valve`, { method: 'DELETE', headers: { 'X-API-Key': admin } });
    expect((await valve.closed).code).toBe(4003);
    expect(pump.socket.readyState).toBe(pump.socket.OPEN);
  });
});

it('"I logged out, and the other tab went on showing the fleet": its live channel ends at once', async () => {
  const { url, key } = await startBroker();
  const body = JSON.stringify({ key: await key('viewer', 'acme') });
  const login = async (): Promise<string> => {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${url}/api/v1/session`, { method: 'POST', headers, body });
    return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  };
  const [cookie, others] = [await login(), await login()];
  const tab = live(url, { Cookie: cookie, Origin: url });
  const other = live(url, { Cookie: others, Origin: url });
  await Promise.all([once(tab, 'open'), once(other, 'open')]);
  const closed = once(tab, 'close');
  await fetch(`${url}/api/v1/session`, { method: 'DELETE', headers: { Cookie: cookie, Origin: url } });
  expect((await closed)[0]).toBe(4003);
  expect(other.readyState).toBe(other.OPEN);
  const again = live(url, { Cookie: cookie, Origin: url });
  again.on('error', () => {});
  const [, response] = await once(again, 'unexpected-response');
  expect(response.statusCode).toBe(401);
});

function live(url: string, headers: Record<string, string>): WebSocket {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/live`, { headers });
  onTestFinished(() => socket.terminate());
  return socket;
}
