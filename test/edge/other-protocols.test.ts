/** An offer to speak another protocol than WebSocket is ignored: the request is answered in HTTP/1.1 (RFC 9110, 7.8). */
import { describe, expect, it } from 'vitest';
import { startBroker } from '../helpers/broker.ts';
import { RawClient } from '../helpers/raw-client.ts';

const OFFER = [
  'Host: broker',
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
];

describe('a client that offers h2c', () => {
  it('is answered as if it had not, again and again on one connection', async () => {
    const { url } = await startBroker();
    const client = new RawClient(url);
    for (let count = 1; count <= 20; count += 1) {
      client.say('GET /livez HTTP/1.1', ...OFFER, '', '');
      expect((await client.answers(count)).at(-1)).toBe('200');
    }
    expect(client.socket.readableEnded).toBe(false);
  });

  it.each([
    ['at once', (head: string, body: string) => [head + body]],
    ['in pieces', (head: string, body: string) => [head, body.slice(0, 9), body.slice(9)]],
  ])('and sends a body %s has it read', async (_, pieces) => {
    const { url, key } = await startBroker();
    const body = JSON.stringify({ key: await key('viewer', 'acme') });
    const lines = ['POST /api/v1/session HTTP/1.1', ...OFFER, 'Content-Type: application/json'];
    const head = [...lines, `Content-Length: ${body.length}`, '', ''].join('\r\n');
    const client = new RawClient(url);
    for (const piece of pieces(head, body)) {
      client.say(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.answers(1)).toEqual(['201']);
  });

  it('on the address of devices hears that WebSocket is spoken there', async () => {
    const { url } = await startBroker();
    const client = new RawClient(url).say('GET /v1/device HTTP/1.1', ...OFFER, '', '');
    expect(await client.answers(1)).toEqual(['426']);
  });
});
