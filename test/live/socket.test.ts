/** The live channel over real WebSockets: who gets in, who is thrown out, and what a stuck client costs. */

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { eventually } from '../helpers/eventually.ts';
import { Edge } from './edge.ts';

let edge: Edge;
afterEach(() => edge.stop());

async function refusal(headers: Record<string, string>, query = ''): Promise<unknown> {
  edge = await new Edge().start();
  const answer = await edge.connect(headers, query);
  return answer instanceof WebSocket ? 'let in' : [answer.status, (answer.body as { code: string }).code];
}

describe('who asks for the live channel', () => {
  it.each([
    ['without a key', {}, '', [401, 'unauthorized']],
    ['with an unknown key', { 'X-API-Key': 'nobody' }, '', [401, 'unauthorized']],
    ['with a device key', { 'X-API-Key': 'device' }, '', [403, 'forbidden']],
    ['with the key in the URL', {}, '?key=admin', [400, 'key-in-url']],
    [
      'with a key, from a page of another origin',
      { 'X-API-Key': 'admin', Origin: 'https://evil.example' },
      '',
      [403, 'origin-refused'],
    ],
    [
      'with a cookie, from a page of another origin',
      { Cookie: 'signalbox_session=login', Origin: 'https://evil.example' },
      '',
      [403, 'origin-refused'],
    ],
    ['with a cookie and no origin', { Cookie: 'signalbox_session=login' }, '', [403, 'origin-refused']],
    [
      'with an allowed origin and a login that has ended',
      { Cookie: 'signalbox_session=old', Origin: 'https://ops.example' },
      '',
      [401, 'unauthorized'],
    ],
    [
      'with a cookie from an allowed origin',
      { Cookie: 'a=b; signalbox_session=login', Origin: 'https://ops.example' },
      '',
      'let in',
    ],
    ['with a key and no browser', { Authorization: 'Bearer acme' }, '', 'let in'],
  ])('%s', async (_, headers, query, answer) => {
    expect(await refusal(headers as Record<string, string>, query)).toEqual(answer);
  });

  it('when the broker has its number of viewers hears which limit it was', async () => {
    edge = await new Edge(1).start();
    await edge.viewer();
    expect(await edge.connect({ 'X-API-Key': 'admin' })).toMatchObject({
      status: 503,
      body: { code: 'too-many-connections', limit: 'limits.viewers', retryAfter: 10 },
    });
  });

  it('"One customer\'s 500 viewers shut the admin out": nor other customers, nor the customer\'s other keys', async () => {
    edge = await new Edge(500).start();
    const fill = async (headers: Record<string, string>): Promise<unknown> => {
      for (;;) {
        const answer = await edge.connect(headers);
        if (!(answer instanceof WebSocket)) return answer;
      }
    };
    const limit = 'limits.viewers';
    const byKey = await fill({ 'X-API-Key': 'acme' });
    expect(byKey).toMatchObject({ status: 429, body: { code: 'too-many-of-key', limit, retryAfter: 10 } });
    expect(edge.world.live.size).toBe(365);
    const login = { Cookie: 'signalbox_session=login', Origin: 'https://ops.example' };
    expect(await fill(login)).toMatchObject({ status: 429, body: { code: 'too-many-of-key' } });
    expect(edge.world.live.size).toBeLessThanOrEqual(405);
    await edge.viewer('beta');
    const before = edge.world.live.size;
    await fill({ 'X-API-Key': 'beta' });
    expect(edge.world.live.size - before).toBeGreaterThan(30);
    for (let count = 0; count < 20; count += 1) await edge.viewer('admin');
  });
});

describe('a connection', () => {
  it('that says something binary is closed with 1003', async () => {
    edge = await new Edge().start();
    const viewer = await edge.viewer();
    viewer.send(Buffer.from([1, 2, 3]));
    const [code] = await once(viewer, 'close');
    expect(code).toBe(1003);
  });

  it('that says more than 16 KiB at once is closed with 1009', async () => {
    edge = await new Edge().start();
    const viewer = await edge.viewer();
    viewer.send(JSON.stringify({ type: 'subscribe', id: 1, topic: 'x'.repeat(17_000) }));
    const [code] = await once(viewer, 'close');
    expect(code).toBe(1009);
    await eventually(() => expect(edge.world.live.size).toBe(0));
  });

  it('ends with 4003 when its key ends, and only that one', async () => {
    edge = await new Edge().start();
    const [ended, other] = [await edge.viewer('acme'), await edge.viewer('admin')];
    const closed = once(ended, 'close');
    edge.ends('viewer-acme');
    expect((await closed)[0]).toBe(4003);
    expect(other.readyState).toBe(WebSocket.OPEN);
  });

  it('of a browser is closed with 4003 as soon as its login has ended, and only that one', async () => {
    edge = await new Edge().start();
    const open = (login: string) =>
      edge.connect({ Cookie: `signalbox_session=${login}`, Origin: 'https://ops.example' });
    const [ended, other] = [(await open('login-1')) as WebSocket, (await open('login-2')) as WebSocket];
    const closed = once(ended, 'close');
    edge.endLogin('login-1');
    expect(edge.world.live.size).toBe(1);
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4003, 'The login has ended.']);
    expect(other.readyState).toBe(WebSocket.OPEN);
  });

  it('of a browser is a use of its login for as long as it is open', async () => {
    edge = await new Edge().start();
    await edge.viewer();
    await edge.connect({ Cookie: 'signalbox_session=login-1', Origin: 'https://ops.example' });
    edge.world.clock.advance(10_000);
    expect(edge.used).toEqual(['login-1', 'login-1']);
  });

  it.each([
    ['a message in more than 8 pieces', 0x00, 1008],
    ['a flood of pongs', 0x8a, 4029],
  ])('that sends %s is closed', async (_, kind, code) => {
    edge = await new Edge().start();
    const viewer = await edge.viewer();
    const closed = once(viewer, 'close');
    const raw = (viewer as unknown as { _socket: Socket })._socket;
    const frame = (first: number) => Buffer.from([first, 0x80, 0, 0, 0, 0]);
    raw.write(Buffer.concat([frame(0x01), ...Array<Buffer>(30).fill(frame(kind))]));
    expect((await closed)[0]).toBe(code);
    await eventually(() => expect(edge.world.live.size).toBe(0));
  });

  it('that says more than 50 messages at once is not read for a while, and loses none', async () => {
    edge = await new Edge().start();
    const viewer = await edge.viewer();
    let errors = 0;
    viewer.on('message', (data: Buffer) => {
      if (data.includes('"error"')) errors += 1;
    });
    for (let count = 0; count < 500; count += 1) viewer.send('?');
    await eventually(() => expect(errors).toBeGreaterThan(50));
    await eventually(() => {
      edge.world.clock.advance(1000);
      expect(errors).toBe(500);
    });
  });

  it('is pinged, and cut off when it has been silent for 75 s', async () => {
    edge = await new Edge().start();
    const viewer = await edge.viewer();
    const pinged = once(viewer, 'ping');
    edge.world.clock.advance(30_000);
    await pinged;
    viewer.pause();
    const closed = once(viewer, 'close');
    edge.world.clock.advance(80_000);
    viewer.resume();
    expect((await closed)[0]).toBe(1006);
  });
});

describe('a client that does not read', () => {
  it('costs at most 1 MiB, is closed with 1013 after 10 s, and disturbs nobody', async () => {
    edge = await new Edge().start();
    const { world } = edge;
    const [stuck, reading] = [await edge.viewer(), await edge.viewer()];
    const sockets = (edge.upgrade as unknown as { sockets: Set<{ bufferedBytes: number }> }).sockets;
    let newest = -1;
    reading.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString());
      if (message.type === 'update') newest = message.devices[0].values.round.value;
    });
    for (const viewer of [stuck, reading]) {
      viewer.send('{"type":"subscribe","id":1,"topic":"+/+"}');
      await once(viewer, 'message');
    }
    stuck.pause();
    let most = 0;
    // Until the kernel's buffers are full and the broker's begin to fill; then ten more seconds.
    for (let round = 0; world.counters.viewersClosedSlow === 0 && round < 4000; round += 1) {
      world.measures('acme/pump-7', { round, text: 'x'.repeat(60_000) });
      world.tick();
      await eventually(() => expect(newest).toBe(round), { interval: 1 });
      for (const { bufferedBytes } of sockets) most = Math.max(most, bufferedBytes);
    }
    expect(world.counters.viewersClosedSlow).toBe(1);
    expect(most).toBeGreaterThan(200_000);
    expect(most).toBeLessThanOrEqual(1_048_576);
    expect(reading.readyState).toBe(WebSocket.OPEN);
    stuck.resume();
    const [code] = await once(stuck, 'close');
    expect(code).toBe(1013);
    await eventually(() => expect(sockets.size).toBe(1));
  });
});
