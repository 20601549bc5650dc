import { connect as tcpConnect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../broker/base/clock.ts';
import { systemEnvironment } from '../../broker/main.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { startBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** After its first frames a device has to wait for minutes: longer than any test. */
const SLOW = { config: { limits: { framesPerSecond: 1, bytesPerSecond: 0 } } };

/** Turns of the event loop until `isSo`; fails by the test's own time limit. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await nextTurn();
}

const KEY = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

/** A masked frame of RFC 6455. */
function masked(opcode: number, payload: Uint8Array): Buffer {
  const head =
    payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255];
  const body = payload.map((byte, index) => byte ^ (KEY[index & 3] as number));
  return Buffer.concat([Buffer.of(0x80 | opcode, ...head), KEY, body]);
}

function handshake(key: string): string {
  return (
    `GET /v1/device HTTP/1.1\r\nHost: test\r\nX-API-Key: ${key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  );
}

const frames = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => encodeTelemetry(from + index, null, { temp: from + index }));

describe("a device's socket", () => {
  it('P-7.2: is not read from the kernel while the broker holds it back, not even one chunk more', async () => {
    const { broker, url, key } = await startBroker(SLOW);
    const device = await connect(url, { key: await key('device', 'acme', 'pump') });
    const { counters, reads } = broker.parts;
    device.send(...frames(3000));
    await until(() => counters.pauses.rate > 0);
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    const { held } = reads;
    const { framesAccepted } = counters;
    device.send(...frames(20_000, 3001));
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    expect([reads.held, counters.framesAccepted]).toEqual([held, framesAccepted]);
    expect(held).toBeLessThanOrEqual(2 * 65_536);
  });

  it('P-7.2: is not closed for its pings of many seconds, which the broker reads together after it held the device back', async () => {
    const { clock: real } = systemEnvironment;
    let passed = 0;
    const waits = new Set<() => void>();
    const clock: Clock = {
      ...real,
      monotonic: () => real.monotonic() + passed,
      // A wait for the rate ends when the test says so.
      after: (wait, run) => {
        if (wait < 500) return real.after(wait, run);
        const end = () => {
          passed += wait;
          waits.delete(end);
          run();
        };
        waits.add(end);
        return { cancel: () => void waits.delete(end) };
      },
    };
    const { broker, url, key } = await startBroker({ ...SLOW, environment: { clock } });
    const { counters, sessions } = broker.parts;
    const device = await connect(url, { key: await key('device', 'acme', 'pump') });
    device.send(...frames(60));
    await until(() => counters.pauses.rate > 0);
    for (let ping = 0; ping < 100; ping += 1) device.socket.ping();
    let heard = 'nothing';
    device.socket.on('pong', (data) => {
      heard = data.toString();
    });
    device.socket.ping('the last');
    await until(() => {
      for (const end of waits) end();
      return heard === 'the last' || sessions.size === 0;
    });
    expect([heard, sessions.size]).toEqual(['the last', 1]);
    // It was credited the time that it was held, once.
    for (let ping = 0; ping < 10_000; ping += 1) device.socket.ping();
    expect((await device.closed).code).toBe(4029);
  });

  it('takes what comes right behind the handshake, cut anywhere, then a close and the end of the stream', async () => {
    const { broker, url, key } = await startBroker();
    const { port } = new URL(url);
    const secret = await key('device', 'acme', 'pump');
    const close = masked(8, Buffer.of(0x03, 0xe8));
    const stream = Buffer.concat([
      masked(2, encodeHello({ boot: 7 })),
      ...frames(500).map((one) => masked(2, one)),
      close,
    ]);
    const socket = tcpConnect({ host: '127.0.0.1', port: Number(port) });
    const ended = new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk as Buffer));
      socket.on('close', () => resolve(Buffer.concat(chunks)));
    });
    socket.write(Buffer.concat([Buffer.from(handshake(secret)), stream.subarray(0, 1234)]));
    for (let at = 1234; at < stream.length; at += 777) {
      socket.write(stream.subarray(at, at + 777));
      await nextTurn();
    }
    socket.end();
    const answer = await ended;
    expect(broker.parts.counters.framesAccepted).toBe(500);
    // The answer to the close, and nothing after it.
    expect(answer.subarray(-4)).toEqual(Buffer.of(0x88, 0x02, 0x03, 0xe8));
    await until(() => broker.parts.sessions.size === 0);
    expect(broker.parts.reads.held).toBe(0);
  });

  it('that ends while its bytes wait loses them, and nobody misses it: they were not acknowledged', async () => {
    const { broker, url, key } = await startBroker(SLOW);
    const device = await connect(url, { key: await key('device', 'acme', 'pump') });
    const { sessions, reads, counters } = broker.parts;
    device.send(...frames(3000));
    await until(() => counters.pauses.rate > 0 && reads.held > 0);
    const again = await connect(url, { key: await key('device', 'acme', 'pump') });
    device.socket.terminate();
    await until(() => sessions.size === 1 && reads.held === 0);
    again.send(encodeTelemetry(1, null, { temp: 1 }));
    await again.next();
    again.socket.terminate();
  });

  it('of which the broker holds bytes back answers a close with the code that the broker gave', async () => {
    const { broker, url, key } = await startBroker(SLOW);
    const secret = await key('device', 'acme', 'pump');
    const device = await connect(url, { key: secret });
    device.send(...frames(3000));
    await until(() => broker.parts.counters.pauses.rate > 0);
    await connect(url, { key: secret });
    expect(await device.closed).toMatchObject({ code: 4001 });
    await until(() => broker.parts.sessions.size === 1);
  });

  it('counts a frame of which only a part has come, and not the small ones', async () => {
    const { broker, url, key } = await startBroker();
    const socket = tcpConnect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.on('error', () => socket.destroy()).resume();
    const large = masked(2, encodeTelemetry(1, null, { blob: new Uint8Array(16_000) }));
    socket.write(
      Buffer.concat([Buffer.from(handshake(await key('device', 'acme', 'pump'))), large.subarray(0, 100)]),
    );
    const { reads, counters, sessions } = broker.parts;
    await until(() => sessions.size === 1);
    socket.write(large.subarray(100, 9000));
    await until(() => reads.unfinishedMessages === 1);
    socket.write(large.subarray(9000));
    await until(() => counters.framesAccepted === 1);
    expect(reads.unfinishedMessages).toBe(0);
    socket.write(large.subarray(0, 9000));
    await until(() => reads.unfinishedMessages === 1);
    socket.destroy();
    await until(() => sessions.size === 0);
    expect(reads.unfinishedMessages).toBe(0);
  });
});
