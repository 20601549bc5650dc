/**
 * Peers that are broken or mean: whatever they send, or do not send, the bridge says what is wrong, tries again, and the
 * event loop and the log notice nothing.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../helpers/clock.ts';
import { freePort } from '../helpers/free-port.ts';
import { requires } from '../helpers/requires.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';
import { startWorld } from './world.ts';

type Behaviour = (socket: Socket) => void;

/** CONNACK, version 5: success, no properties. */
const WELCOME = Buffer.from([0x20, 3, 0, 0, 0]);
const CONNECTS: Behaviour = (socket) => socket.once('data', () => socket.write(WELCOME));

/** A server that behaves like this; its address. */
async function peer(behaviour: Behaviour): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => sockets.delete(socket));
    behaviour(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const welcomesThen =
  (bytes: Buffer): Behaviour =>
  (socket) => {
    socket.once('data', () => socket.write(Buffer.concat([WELCOME, bytes])));
  };

describe('a peer that is no MQTT server', () => {
  it.each<[string, RegExp, Behaviour]>([
    ['talks HTTP', /./, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['sends garbage', /./, (socket) => socket.write(Buffer.alloc(5000, 0xff))],
    ['hangs up at once', /closed|ECONNRESET/, (socket) => socket.destroy()],
    [
      'refuses the user',
      /Not authorized/i,
      (socket) => socket.once('data', () => socket.end(Buffer.from([0x20, 3, 0, 0x87, 0]))),
    ],
    ['sends garbage later', /no MQTT packet/, welcomesThen(Buffer.alloc(64, 0xff))],
    [
      'announces a packet of 256 MB',
      /packet of 268435455 bytes/,
      welcomesThen(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])),
    ],
    ['acknowledges with nothing', /acknowledgement/, welcomesThen(Buffer.from([0x40, 0]))],
    ['says goodbye', /Server shutting down/, welcomesThen(Buffer.from([0xe0, 1, 0x8b]))],
  ])('and %s is named, left, and tried again', async (_, sentence, behaviour) => {
    let attempts = 0;
    const url = await peer((socket) => {
      attempts += 1;
      behaviour(socket);
    });
    const world = await startWorld({ url });
    const { lastError } = await world.until((status) => status.lastError !== null);
    expect(lastError?.message).toMatch(sentence);
    expect(lastError?.message).toContain(url);
    await world.until(() => attempts >= 3);
    world.sample('pump', { n: 1 });
    await world.ingest.flushed();
    expect(world.bridge.status()).toMatchObject({ sent: 0, crashes: 0 });
    expect(world.bridge.status().backlog.bytes).toBeGreaterThan(0);
  });

  it('and acknowledges what nobody sent changes nothing', async () => {
    const forged = Buffer.concat(
      [1, 2, 3, 999, 65_535].map((id) => Buffer.from([0x40, 2, id >> 8, id & 255])),
    );
    const world = await startWorld({
      url: await peer(welcomesThen(forged)),
      ackSeconds: 1,
      availability: 'off',
    });
    await world.until(({ state }) => state === 'connected');
    world.sample('pump', { n: 1 });
    const { sent, lastError } = await world.until((status) => status.lastError !== null);
    expect(lastError?.message).toContain('acknowledged nothing for 1 s');
    expect(sent).toBe(0);
  });

  it('and says nothing at all is left, and stopping does not wait for it', async () => {
    // On this clock the patience of the stop never ends.
    const world = await startWorld({ url: await peer(() => {}) }, { clock: new FakeClock() });
    await world.until(({ state }) => state === 'connecting');
    await world.bridge.stop();
    expect(world.bridge.status().state).toBe('stopped');
  });

  it('and answers no ping is left', async () => {
    const world = await startWorld({ url: await peer(CONNECTS), keepaliveSeconds: 1, ackSeconds: 60 });
    const { lastError } = await world.until((status) => status.lastError !== null);
    expect(lastError?.message).toMatch(/keepalive/i);
  });
});

describe('an old server', () => {
  it.each<[string, Behaviour]>([
    ['hangs up', (socket) => socket.end()],
    ['resets the connection', (socket) => socket.resetAndDestroy()],
  ])('that %s on MQTT 5 is spoken to in 3.1.1', async (_, refuse) => {
    const versions: number[] = [];
    const url = await peer((socket) =>
      socket.once('data', (bytes: Buffer) => {
        versions.push(bytes[8] as number);
        if (bytes[8] === 5) refuse(socket);
        else socket.write(Buffer.from([0x20, 2, 0, 0]));
      }),
    );
    const world = await startWorld({ url });
    expect((await world.until(({ state }) => state === 'connected')).protocol).toBe('3.1.1');
    expect(versions).toEqual([5, 4]);
  });

  it('that refuses the version in its own words is spoken to in 3.1.1', async () => {
    const url = await peer((socket) =>
      socket.once('data', (bytes: Buffer) => socket.end(Buffer.from([0x20, 2, 0, bytes[8] === 5 ? 1 : 5]))),
    );
    const world = await startWorld({ url });
    const { lastError } = await world.until((status) => /authorized/i.test(status.lastError?.message ?? ''));
    expect(lastError?.message).toContain('Not authorized');
  });
});

requires('mosquitto')('failover between the addresses of mqtt.url', () => {
  it('tries them in order until one answers, and credentials are shown to nobody', async () => {
    const mosquitto = await startMosquitto();
    const dead = await freePort();
    const live = mosquitto.url.replace('//', '//user:secret@');
    const subscriber = await subscribe(mosquitto.url, ['signalbox/#']);
    const world = await startWorld({
      url: `mqtt://user:secret@127.0.0.1:${dead}, ${live}`,
      password: 'hidden',
    });
    const status = await world.until(({ state }) => state === 'connected');
    expect(status.peer).toBe(mosquitto.url);
    world.sample('pump', { n: 1 });
    await subscriber.on('signalbox/acme/pump/telemetry');
    expect(JSON.stringify([status, world.lines])).not.toMatch(/secret|hidden/);
  });
});

requires('mosquitto')('a server that lets the bridge publish nothing but its status', () => {
  it('is not asked for ever: what it refuses is counted and shown', async () => {
    const acl = join(temporaryFolder(), 'acl');
    writeFileSync(acl, 'topic readwrite signalbox/bridge/#\n');
    const mosquitto = await startMosquitto(`acl_file ${acl}`);
    const world = await startWorld({ url: mosquitto.url });
    await world.until(({ state }) => state === 'connected');
    for (let n = 1; n <= 10; n += 1) world.sample('pump', { n });
    await world.drained();
    const { dropped, sent, lastRefusal } = world.bridge.status();
    expect(sent).toBe(0);
    expect(dropped.refused).toBeGreaterThanOrEqual(10);
    expect(lastRefusal?.message).toContain('refused a message on signalbox/acme/pump/');
  });
});
