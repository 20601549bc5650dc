/** A process that may open few files: strangers use up their part of them, and the store never goes without. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeTelemetry } from '../../broker/wire/encode.ts';
import { startProcess } from '../helpers/broker-process.ts';
import { connect } from '../helpers/device.ts';
import { eventually } from '../helpers/eventually.ts';
import { RawClient } from '../helpers/raw-client.ts';

describe.runIf(existsSync('/proc/self/limits'))('a broker that may open 256 files', () => {
  it('goes on storing, in new segments too, while 600 strangers hold on to their refusals', async () => {
    const broker = await startProcess({
      launcher: ['prlimit', '--nofile=256'],
      env: { SIGNALBOX_STORE_SEGMENT_BYTES: '65536' },
    });
    const plan = await broker.logged('Connections that the broker takes.');
    expect(plan).toMatchObject({ openFiles: 256, sockets: 128 });
    expect(broker.log.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual([
      expect.stringContaining('limits.connections of'),
    ]);
    const device = await connect(broker.url, { key: await broker.deviceKey('acme', 'pump') });
    await device.next();
    const strangers = Array.from({ length: 600 }, () =>
      new RawClient(broker.url).say('GET /v1/device HTTP/1.1', ...HANDSHAKE),
    );
    const segments = () => readdirSync(`${broker.data}/log`).length;
    for (let seq = 1; segments() < 4; seq += 1) {
      device.send(encodeTelemetry(seq, null, { text: 'x'.repeat(4000) }));
      await device.acknowledged(seq);
      if (seq % 5 === 0) strangers[seq % 600]?.say('more');
    }
    expect(readdirSync(`/proc/${broker.child.pid}/fd`).length).toBeLessThan(250);
    // Somebody who has a key still gets in, and the page is served.
    await eventually(async () => expect((await fetch(`${broker.url}/livez`)).status).toBe(200));
    expect(await broker.stop()).toBe(0);
  });

  it('opens no file for a page that is asked for ahead, and keeps none open for a client that left', async () => {
    const broker = await startProcess();
    const files = () => readdirSync(`/proc/${broker.child.pid}/fd`).length;
    const page = 'GET /api/docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: broker\r\n\r\n';
    await fetch(`${broker.url}/livez`);
    const quiet = files();
    const greedy = Array.from({ length: 10 }, () => new RawClient(broker.url).say(page.repeat(60)));
    for (const { socket } of greedy) socket.pause();
    await eventually(() => expect(files()).toBeGreaterThan(quiet + 9));
    await fetch(`${broker.url}/livez`);
    expect(files()).toBeLessThan(quiet + 40);
    for (const { socket } of greedy) socket.destroy();
    await eventually(() => expect(files()).toBeLessThanOrEqual(quiet + 2));
  });
});

const HANDSHAKE = [
  'Host: broker',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
  '',
];
