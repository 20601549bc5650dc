/** What a device does when its connection ends: by the table of close codes (P-7.3), by HTTP's answers (P-1.5). */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../broker/base/backoff.ts';
import { parseRetryAfter, RECONNECT, retryAfterClose, retryAfterRefusal } from '../../client/retry.ts';
import { CLOSE_CODES } from '../../schemas/errors.ts';
import { problem } from '../../schemas/problems.ts';
import { type Answer, fakeBroker } from '../helpers/fake-broker.ts';
import { nobodysAddress } from '../helpers/free-port.ts';
import { startedClient } from './harness.ts';

describe('the backoff', () => {
  const ceilings = [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];

  it('grows from 1 s to 60 s with full jitter (P-7.4)', () => {
    const [lowest, highest] = [
      new Backoff({ ...RECONNECT, random: () => 0 }),
      new Backoff({ ...RECONNECT, random: () => 1 }),
    ];
    expect(ceilings.map(() => lowest.next())).toEqual(ceilings.map(() => 1000));
    expect(ceilings.map(() => highest.next())).toEqual(ceilings);
    highest.reset();
    expect(highest.next()).toBe(2000);
  });

  it('never overflows, however long the broker is away', () => {
    const backoff = new Backoff({ ...RECONNECT, random: () => 1 });
    for (let tries = 0; tries < 5000; tries += 1) expect(backoff.next()).toBeLessThanOrEqual(60_000);
  });
});

describe('after each close code', () => {
  const wait = (code: number, reason = '') =>
    [0, 1].map((random) =>
      retryAfterClose(code, reason, new Backoff({ ...RECONNECT, random: () => random })),
    );
  const usual = [1000, 2000];
  const slow = [60_000, 120_000];
  const never = [null, null];

  it.each([
    [1003, usual],
    [1007, usual],
    [1009, usual],
    [1013, usual],
    [4001, slow],
    [4003, never],
    [4008, usual],
    [4029, slow],
    [4400, slow],
  ])('%i waits as the table says (P-7.3)', (code, expected) => {
    expect(wait(code)).toEqual(expected);
  });

  it('1001 waits as long as its reason says', () => {
    expect(wait(1001, 'reconnect in 2345 ms')).toEqual([2345, 2345]);
    expect(wait(1001, 'reconnect in 3 s')).toEqual([3000, 3000]);
    expect(wait(1001, 'reconnect in 99999999 ms')).toEqual([600_000, 600_000]);
    expect(wait(1001, 'bye')).toEqual(usual);
  });

  it('a code that nobody knows backs off', () => {
    for (const code of [1000, 1006, 4999]) expect(wait(code)).toEqual(usual);
  });

  it('leaves out no code of the table', () => {
    const tested = ['1001', '1003', '1007', '1009', '1013', '4001', '4003', '4008', '4029', '4400'];
    expect(Object.keys(CLOSE_CODES)).toEqual(tested);
  });
});

describe('after each HTTP answer', () => {
  const wait = (status: number, retryAfter: number | null = null) =>
    [0, 1].map((random) =>
      retryAfterRefusal(status, retryAfter, new Backoff({ ...RECONNECT, random: () => random })),
    );

  it.each([301, 400, 401, 403, 404, 426])('%i is tried again after 5 to 10 minutes only', (status) => {
    expect(wait(status)).toEqual([300_000, 600_000]);
  });

  it.each([429, 503])('%i is never tried again before Retry-After, and not by all at once', (status) => {
    expect(wait(status, 7000)).toEqual([8000, 9000]);
  });

  it('500 and 502 back off', () => {
    for (const status of [500, 502]) expect(wait(status)).toEqual([1000, 2000]);
  });

  it('reads Retry-After as seconds or a date (RFC 9110)', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(parseRetryAfter('7', now)).toBe(7000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    expect(parseRetryAfter('soon', now)).toBeNull();
    expect(parseRetryAfter(undefined, now)).toBeNull();
  });
});

describe('a connected device', () => {
  it('stops for good when its key has ended (4003)', async () => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url });
    const session = await broker.next();
    await session.greet();
    const outcome = expect(pump.client.durable(pump.client.send({ temp: 1 }))).rejects.toThrow(
      'key has ended',
    );
    session.close(4003, 'revoked');
    expect(await pump.next('disconnected')).toEqual({ code: 4003, reason: 'revoked', retryIn: null });
    expect(await pump.next('ended')).toEqual({ reason: 'key-ended' });
    await outcome;
    expect([pump.client.state, pump.clock.pending]).toEqual(['ended', 0]);
    // What it held is still there for whoever has a new key.
    expect(pump.client.held.frames).toBe(1);
  });

  it('comes back when the broker said, not a moment before (1001)', async () => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url });
    const session = await broker.next();
    await session.greet();
    session.close(1001, 'reconnect in 3000 ms');
    expect((await pump.next('disconnected')).retryIn).toBe(3000);
    pump.clock.advance(2999);
    expect(pump.client.state).toBe('waiting');
    pump.clock.advance(1);
    await (await broker.next()).greet();
    expect(broker.handshakes).toBe(2);
  });

  it('backs off further after a connection that broke at once, and anew after one that held 10 s', async () => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url });
    const waits: (number | null)[] = [];
    for (const held of [0, 9999, 10_000, 0]) {
      const session = await broker.next();
      await session.greet();
      await pump.next('resumed');
      pump.clock.advance(held);
      session.cut();
      const { retryIn } = await pump.next('disconnected');
      waits.push(retryIn);
      pump.clock.advance(retryIn ?? 0);
    }
    expect(waits).toEqual([1500, 2500, 1500, 2500]);
  });

  it('gives up a broker that was silent for 2.5 keepalives, and only then (P-7.1)', async () => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url });
    const session = await broker.next();
    await session.greet(0, { keepalive: 30 });
    await pump.next('resumed');
    pump.clock.advance(60_000);
    session.error('clock-ahead');
    await pump.next('error');
    pump.clock.advance(60_000);
    expect(pump.client.state).toBe('live');
    pump.clock.advance(15_000);
    expect(await pump.next('disconnected')).toMatchObject({
      code: 1006,
      reason: expect.stringContaining('2.5'),
    });
    expect(await session.closed).toBe(1006);
  });

  it('does not give it up because the process was stopped, or the wall clock set', async () => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url });
    const session = await broker.next();
    await session.greet(0, { keepalive: 30 });
    await pump.next('resumed');
    pump.clock.advance(74_000);
    pump.clock.freeze(3_600_000);
    pump.clock.setWall(pump.clock.now() + 86_400_000);
    pump.clock.advance(0);
    session.error('clock-ahead');
    await pump.next('error');
    pump.clock.advance(60_000);
    expect(pump.client.state).toBe('live');
    pump.clock.advance(15_000);
    expect(await pump.next('disconnected')).toMatchObject({ code: 1006 });
  });

  it('hears the broker by its pings', async () => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url });
    const session = await broker.next();
    await session.greet(0, { keepalive: 30 });
    await pump.next('resumed');
    for (let rounds = 0; rounds < 4; rounds += 1) {
      pump.clock.advance(60_000);
      session.socket.ping();
      await once(session.socket, 'pong');
    }
    expect(pump.client.state).toBe('live');
  });

  it('gives up a peer that never greets, and backs off further each time', async () => {
    const silent = createServer((socket) => socket.resume().on('error', () => socket.destroy()));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const pump = startedClient({ url: `ws://127.0.0.1:${(silent.address() as { port: number }).port}` });
    const waits: (number | null)[] = [];
    for (let tries = 0; tries < 3; tries += 1) {
      await once(silent, 'connection');
      pump.clock.advance(20_000);
      const { retryIn, reason } = await pump.next('disconnected');
      expect(reason).toBe('The broker did not greet in time.');
      waits.push(retryIn);
      pump.clock.advance(retryIn ?? 0);
    }
    expect(waits).toEqual([1500, 2500, 4500]);
    await pump.client.stop();
    silent.close();
  });

  it('tells a broker that is not there as one that cannot be reached', async () => {
    const pump = startedClient({ url: await nobodysAddress() });
    const lost = await pump.next('disconnected');
    expect(lost).toMatchObject({
      code: 1006,
      retryIn: 1500,
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each([
    ['a text message', (send: (data: string | Uint8Array) => void) => send('hello'), 1003],
    ['half a frame', (send: (data: string | Uint8Array) => void) => send(Uint8Array.of(0x82, 17)), 1007],
  ])('leaves a broker that sends %s', async (_what, speak, code) => {
    const broker = await fakeBroker();
    const pump = startedClient({ url: broker.url });
    const session = await broker.next();
    await session.greet();
    await pump.next('resumed');
    speak((data) => session.socket.send(data));
    expect(await pump.next('disconnected')).toMatchObject({ code, retryIn: 1500 });
    expect(await session.closed).toBe(code);
  });
});

describe('a refused device', () => {
  const refusedWith = async (answer: Answer) => {
    const broker = await fakeBroker();
    broker.refusals = [answer];
    const pump = startedClient({ url: broker.url });
    return { broker, pump, refused: await pump.next('refused') };
  };

  it('tells which rule it was, and does not hammer (401)', async () => {
    const body = problem('unauthorized', 'The key is unknown.');
    const { broker, pump, refused } = await refusedWith({ status: 401, body: JSON.stringify(body) });
    expect(refused).toEqual({ status: 401, problem: body, retryIn: 450_000 });
    pump.clock.advance(449_999);
    expect(broker.handshakes).toBe(1);
    broker.refusals = [];
    pump.clock.advance(1);
    await (await broker.next()).greet();
  });

  it('waits as Retry-After says (429)', async () => {
    const { refused } = await refusedWith({ status: 429, headers: { 'Retry-After': '20' } });
    expect(refused).toEqual({ status: 429, problem: null, retryIn: 21_500 });
  });

  it('bears an answer that is no broker’s', async () => {
    const { refused } = await refusedWith({ status: 502, body: '<html>'.repeat(20_000) });
    expect(refused).toMatchObject({ status: 502, problem: null, retryIn: 1500 });
  });
});
