/** Who has shown no key holds no connection for long, and never the last ones. */
import type { RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EdgeParts, EdgeServer } from '../../broker/edge/server.ts';
import { Counters } from '../../broker/hub/counters.ts';
import { FakeClock } from '../helpers/clock.ts';
import { eventually } from '../helpers/eventually.ts';
import { RawClient } from '../helpers/raw-client.ts';

const HANDSHAKE = [
  'GET /v2/device HTTP/1.1',
  'Host: broker',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
  '',
];

const answer: RequestListener = (_request, response) => void response.end('ok');

async function startEdge(parts: Partial<EdgeParts> = {}) {
  const clock = new FakeClock();
  const counters = new Counters();
  const edge = new EdgeServer({
    host: '127.0.0.1',
    port: 0,
    handle: answer,
    holderOf: () => ({ customer: '', key: '' }),
    upgrades: {},
    plan: { sockets: null, cut: [], httpConnections: 1000, httpConnectionsPerAddress: 1000 },
    trustedProxies: [],
    counters,
    clock,
    ...parts,
  });
  onTestFinished(() => edge.stop());
  await edge.start();
  return { clock, counters, edge, client: () => new RawClient(edge.url) };
}

describe('a client without a key', () => {
  it('that holds on to its refusal is cut off after two seconds', async () => {
    const { clock, edge, client } = await startEdge();
    const clients = Array.from({ length: 50 }, () => client().say(...HANDSHAKE));
    const statuses = await Promise.all(clients.map((one) => one.answers(1)));
    expect(new Set(statuses.flat())).toEqual(new Set(['404']));
    expect(edge.pendingConnections).toBe(50);
    clock.advance(1999);
    expect(edge.pendingConnections).toBe(50);
    clock.advance(1);
    await eventually(() => expect(edge.pendingConnections).toBe(0));
    expect(clock.pending).toBe(0);
  });

  it('that reads its refusal and closes is gone at once, and nothing waits for it', async () => {
    const { clock, edge, client } = await startEdge();
    const one = client().say(...HANDSHAKE);
    await one.answers(1);
    one.socket.end();
    await one.closed;
    await eventually(() => expect([edge.pendingConnections, clock.pending]).toEqual([0, 0]));
  });

  it.each([
    ['never says a word', ''],
    ['never ends its headers', 'GET /livez HTTP/1.1\r\nHost: '],
  ])('that %s is closed', async (_, said) => {
    const { client } = await startEdge({ waits: { headersTimeout: 50, connectionsCheckingInterval: 10 } });
    const one = client();
    if (said !== '') one.say(said);
    await one.ended;
  });

  it('that does not read its answer is closed', async () => {
    const large = Buffer.alloc(64 * 1024 * 1024);
    let handled = 0;
    const { edge, client } = await startEdge({
      // Time enough for the request to come, on a machine that is busy.
      waits: { timeout: 1000 },
      handle: (_request, response) => {
        handled += 1;
        response.end(large);
      },
    });
    const one = client();
    one.socket.pause();
    one.say('GET / HTTP/1.1', 'Host: broker', '', '');
    await eventually(() => expect(handled).toBe(1));
    await eventually(() => expect(edge.pendingConnections).toBe(0));
  });
});

describe('a client that sends requests ahead', () => {
  it('has them handled one at a time, in order', async () => {
    let handled = 0;
    let release = () => {};
    const { client } = await startEdge({
      handle: (request, response) => {
        handled += 1;
        release = () => response.end(request.url);
      },
    });
    const one = client();
    for (const path of ['/a', '/b', '/c']) one.say(`GET ${path} HTTP/1.1`, 'Host: broker', '', '');
    for (let count = 1; count <= 3; count += 1) {
      await eventually(() => expect(handled).toBe(count));
      await new Promise((resolve) => setImmediate(resolve));
      expect(handled).toBe(count);
      release();
      await one.answers(count);
    }
    expect(one.received.match(/\/[abc]$|\/[abc](?=HTTP)/g)).toEqual(['/a', '/b', '/c']);
  });

  it('and very many of them is closed', async () => {
    let handled = 0;
    const { client } = await startEdge({
      handle: () => {
        handled += 1;
      },
    });
    const one = client().say('GET / HTTP/1.1\r\nHost: broker\r\n\r\n'.repeat(200));
    await one.ended;
    expect(handled).toBeLessThanOrEqual(1);
  });
});

describe('where places are few', () => {
  const plan = { sockets: null, cut: [], httpConnections: 10, httpConnectionsPerAddress: 4 };

  it('those who hold on lose theirs, those who ask get in, and one address holds no more than its part', async () => {
    const { edge, counters, client } = await startEdge({ plan });
    const idle = Array.from({ length: 4 }, () => client());
    await eventually(() => expect(edge.pendingConnections).toBe(4));
    // Used just now, so it is not the one that makes room.
    await idle[0]?.say('GET / HTTP/1.1', 'Host: broker', '', '').answers(1);
    const asking = client().say('GET / HTTP/1.1', 'Host: broker', '', '');
    expect(await asking.answers(1)).toEqual(['200']);
    await idle[1]?.ended;
    expect(edge.pendingConnections).toBe(4);
    expect(idle[0]?.socket.destroyed).toBe(false);
    expect(counters.refusals.get('too-many-connections')).toBe(1);
  });

  it('who makes room before it was answered is told why, and when to come back', async () => {
    const { client } = await startEdge({ plan });
    const all = Array.from({ length: 5 }, () => client());
    await Promise.race(all.map((one) => one.ended));
    const [turnedAway, ...others] = all.filter((one) => one.received !== '');
    expect(others).toEqual([]);
    expect(turnedAway?.received).toMatch(
      /^HTTP\/1\.1 503 .*\r\nRetry-After: 5\r\n.*limits\.httpConnectionsPerAddress/s,
    );
  });

  it('who makes room while its request is being served is told nothing: it may have been done already', async () => {
    let handled = 0;
    const handle = () => {
      handled += 1;
    };
    const { client } = await startEdge({ plan, handle });
    const asking = client().say('POST / HTTP/1.1', 'Host: broker', 'Content-Length: 0', '', '');
    await eventually(() => expect(handled).toBe(1));
    for (let count = 0; count < 4; count += 1) client();
    await asking.ended;
    expect(asking.received).toBe('');
  });

  it('a trusted proxy, which carries many clients, is bounded by the total alone', async () => {
    const { edge, client } = await startEdge({ plan, trustedProxies: ['127.0.0.1'] });
    for (let count = 0; count < 20; count += 1) client();
    const asking = client().say('GET / HTTP/1.1', 'Host: broker', '', '');
    expect(await asking.answers(1)).toEqual(['200']);
    expect(edge.pendingConnections).toBe(10);
  });
});
