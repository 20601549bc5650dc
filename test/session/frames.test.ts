import { describe, expect, it } from 'vitest';
import { encode } from '../../broker/wire/cbor.ts';
import {
  encodeBatch,
  encodeEvent,
  encodeHello,
  encodeReported,
  encodeResult,
  encodeTelemetry,
} from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { nextTurn, sessionHarness } from '../helpers/session.ts';

const TAGGED = Uint8Array.from(Buffer.from('8401c16180f6a0', 'hex'));

function opened() {
  const harness = sessionHarness();
  const { session, transport, device } = harness.open();
  transport.take();
  return { ...harness, session, transport, device };
}

describe('a frame outside the profile', () => {
  it('P-2.3: is answered with an error frame, and the connection is closed with 1007', () => {
    const { session, transport } = opened();
    session.receive(TAGGED);
    expect(transport.take()).toMatchObject([{ kind: FRAME.error, code: 'tag-refused' }]);
    expect(transport.closes).toMatchObject([{ code: 1007 }]);
  });

  it('P-2.1: a text message closes with 1003', () => {
    const { session, transport } = opened();
    session.receiveText();
    expect(transport.closes).toMatchObject([{ code: 1003 }]);
  });

  it('is the last one that counts: what the socket still delivers is dropped, and never acknowledged', async () => {
    const { session, transport, counters, clock } = opened();
    session.receive(TAGGED);
    transport.take();
    session.receive(encodeTelemetry(1, null, { temp: 1 }));
    await nextTurn();
    clock.advance(100);
    expect([transport.take(), counters.framesAccepted]).toEqual([[], 0]);
  });
});

describe('a frame inside the profile that breaks a schema', () => {
  it('P-2.3: is answered with an error frame that names its seq, and otherwise ignored', async () => {
    const { session, transport, counters, clock } = opened();
    session.receive(encode([1, 7, null, { 'no spaces': 1 }]));
    expect(transport.take()).toMatchObject([{ kind: FRAME.error, code: 'bad-metric', seq: 7 }]);
    session.receive(encodeTelemetry(8, null, { temp: 1 }));
    await nextTurn();
    clock.advance(20);
    expect(transport.take()).toEqual([{ kind: FRAME.ack, seq: 8 }]);
    expect([transport.closes, counters.frameErrors.get('bad-metric')]).toEqual([[], 1]);
  });

  it('P-2.2: says that the state would cost too much; what came before stays, and the next frame is taken', async () => {
    const { session, transport, device, clock } = opened();
    const quarter = Array.from({ length: 4 }, () => new Uint8Array(15_000));
    const filling = [1, 2, 3, 4].map((seq) => encodeTelemetry(seq, null, { [`part${seq}`]: quarter }));
    for (const frame of filling) session.receive(frame);
    session.receive(encodeTelemetry(5, null, { part5: quarter, temp: 20 }));
    session.receive(
      encodeTelemetry(6, null, { part6: Array.from({ length: 400 }, () => new Uint8Array(0)) }),
    );
    session.receive(encodeTelemetry(7, null, { temp: 21 }));
    await nextTurn();
    clock.advance(20);
    expect(transport.take()).toMatchObject([
      { kind: FRAME.error, code: 'state-too-big', seq: 5 },
      { kind: FRAME.error, code: 'value-too-big', seq: 6 },
      { kind: FRAME.ack, seq: 7 },
    ]);
    const metrics = [...device.metrics.changedSince(0)].map(({ name, value }) => [name, typeof value]);
    expect(metrics).toEqual([1, 2, 3, 4].map((seq) => [`part${seq}`, 'object']).concat([['temp', 'number']]));
  });

  it('P-2.3: more than 10 in a minute close with 4400', () => {
    const { session, transport, clock } = opened();
    for (let sent = 0; sent < 10; sent += 1) session.receive(encode([99]));
    expect(transport.closes).toEqual([]);
    clock.advance(60_001);
    for (let sent = 0; sent < 10; sent += 1) session.receive(encode([99]));
    expect(transport.closes).toEqual([]);
    session.receive(encode([99]));
    expect(transport.closes).toMatchObject([{ code: 4400 }]);
  });

  it('P-8: of a result, it names the command', () => {
    const { session, transport } = opened();
    session.receive(encodeResult('c-1', 9));
    session.receive(encode([4, 'é'.repeat(33), 1]));
    expect(transport.take()).toMatchObject([
      { code: 'bad-result', seq: null, commandId: 'c-1' },
      { code: 'bad-result', seq: null, commandId: null },
    ]);
  });

  it('P-6.1: a report of a version that nobody ever sent is refused, and one of any before is not', async () => {
    const { session, transport, counters } = opened();
    for (const version of [4, Number.MAX_SAFE_INTEGER]) session.receive(encodeReported(version, { a: 1 }));
    expect(transport.take()).toMatchObject([{ code: 'unknown-version' }, { code: 'unknown-version' }]);
    expect(counters.framesAccepted).toBe(0);
    for (const version of [0, 3]) session.receive(encodeReported(version, { a: 1 }));
    expect([transport.take(), counters.framesAccepted]).toEqual([[], 2]);
  });

  it('P-6.1: a report that would cost more memory than a last-known state is refused', () => {
    const { session, transport, counters } = opened();
    const costly = Array.from({ length: 1000 }, () => new Uint8Array());
    session.receive(encodeReported(3, { a: costly, b: costly }));
    const told = transport.take();
    expect(told).toMatchObject([{ code: 'bad-reported' }]);
    expect(JSON.stringify(told)).toContain('limits.stateBytes');
    session.receive(encodeReported(3, { a: costly }));
    expect([transport.take(), counters.framesAccepted]).toEqual([[], 1]);
  });

  it('P-3.2: a hello that is not the first frame is refused and changes nothing', () => {
    const { session, transport } = opened();
    session.receive(encodeTelemetry(null, null, { temp: 1 }));
    session.receive(encodeHello({ fields: ['temp'] }));
    session.receive(encodeTelemetry(null, null, [1]));
    expect(transport.take()).toMatchObject([{ code: 'hello-not-first' }, { code: 'no-fields' }]);
  });

  it.each([
    ['within a boot', true],
    ['without one', false],
  ])('P-4.1: seq 0 is refused %s, for an ack of 0 means none', (_which, hasBoot) => {
    const { session, transport, counters } = opened();
    if (hasBoot) session.receive(encodeHello({ boot: 1 }));
    transport.take();
    session.receive(encodeTelemetry(0, null, { temp: 1 }));
    session.receive(encodeBatch(0, null, [[0, { temp: 1 }]]));
    session.receive(encodeEvent(0, null, 4, 'door-open'));
    const refused = { kind: FRAME.error, code: 'bad-seq', seq: 0 };
    expect(transport.take()).toMatchObject([refused, refused, refused]);
    expect(counters.framesAccepted).toBe(0);
  });
});

describe('P-3.2: a hello that came late', () => {
  it('is answered first, also when a frame behind it repeats one that is durable', async () => {
    const { open, clock, log, sessions } = sessionHarness();
    const before = open('s1');
    before.session.receive(encodeHello({ boot: 7 }));
    before.session.receive(encodeTelemetry(1, null, { n: 1 }));
    await nextTurn();
    sessions.start();
    const { session, transport } = open('s2');
    clock.advance(3000);
    await nextTurn();
    log.holdBack();
    transport.take();
    session.receive(encodeHello({ boot: 7, ackWithin: 0 }));
    session.receive(encodeTelemetry(1, null, { n: 1 }));
    await nextTurn();
    clock.advance(100);
    expect(transport.take()).toEqual([]);
    await log.commit();
    await nextTurn();
    expect(transport.take()).toEqual([{ kind: FRAME.ack, seq: 1 }]);
  });
});

describe('P-3.2: a hello that is refused', () => {
  const BAD = encode([0, { boot: -1 }]);

  it('gets its error and no ack, and may be sent again, corrected, until one is accepted', async () => {
    const { session, transport } = opened();
    session.receive(BAD);
    session.receive(encode([0, { boot: 7, maxFrame: 255 }]));
    const refused = { kind: FRAME.error, code: 'bad-hello', seq: null };
    expect(transport.take()).toMatchObject([refused, refused]);
    session.receive(encodeHello({ boot: 7, fields: ['temp'], maxFrame: 256 }));
    await nextTurn();
    expect(transport.take()).toEqual([{ kind: FRAME.ack, seq: 0 }]);
    session.receive(encodeTelemetry(1, null, [21.5]));
    session.receive(encodeHello({ boot: 7 }));
    expect(transport.take()).toMatchObject([{ code: 'hello-not-first' }]);
  });

  it('counts among the invalid frames of a minute', () => {
    const { session, transport } = opened();
    for (let sent = 0; sent < 11; sent += 1) session.receive(BAD);
    expect(transport.closes).toMatchObject([{ code: 4400 }]);
  });

  it('may be done without: the next frame that is taken ends the greeting', async () => {
    const { session, transport, clock } = opened();
    session.receive(BAD);
    session.receive(encode([99]));
    session.receive(encodeTelemetry(1, null, { temp: 21.5 }));
    session.receive(encodeHello({ boot: 7 }));
    await nextTurn();
    clock.advance(20);
    const codes = transport.take().map((frame) => ('code' in frame ? frame.code : frame.kind));
    expect(codes).toEqual(['bad-hello', 'unknown-frame', 'hello-not-first', FRAME.ack]);
  });
});

describe('advice', () => {
  it('P-4.5: a wrong clock keeps the sample with its arrival time, flags the device, and is told once a session', async () => {
    const { session, transport, device, clock } = opened();
    session.receive(encodeTelemetry(1, 1_600_000, { temp: 21 }));
    session.receive(encodeTelemetry(2, 1_600_001, { temp: 22 }));
    await nextTurn();
    expect(transport.take()).toMatchObject([{ kind: FRAME.error, code: 'clock-unset', seq: 1 }]);
    expect(device.clock).toBe('unset');
    expect([...device.metrics.changedSince(0)]).toMatchObject([
      { value: 22, at: clock.now(), receivedAt: clock.now() },
    ]);
  });

  it('P-4.5: a clock that is right again clears the flag', async () => {
    const { session, device, clock } = opened();
    session.receive(encodeTelemetry(1, clock.now() + 3_600_000, { temp: 21 }));
    await nextTurn();
    expect(device.clock).toBe('ahead');
    clock.advance(10);
    session.receive(encodeTelemetry(2, clock.now(), { temp: 22 }));
    await nextTurn();
    expect(device.clock).toBe('ok');
  });

  it.each([
    ['without a time', null],
    ['with one', 1_780_000_000_000],
  ])('P-4.5: a batch %s whose dt is absurd is taken, and advised of once a session', async (_which, time) => {
    const { session, transport, device, clock } = opened();
    const absurd = time === null ? 1e15 : -1e15;
    for (const seq of [1, 2])
      session.receive(
        encodeBatch(seq, time, [
          [0, { temp: 1 }],
          [absurd, { temp: 2 }],
        ]),
      );
    await nextTurn();
    expect(transport.take()).toMatchObject([{ code: 'clock-unset', seq: 1 }]);
    expect([...device.metrics.changedSince(0)]).toMatchObject([{ at: clock.now() }]);
  });

  it('P-5: a result for a command that nobody sent is said to be unknown, by its id, and costs no budget', () => {
    const { session, transport } = opened();
    for (let sent = 0; sent < 20; sent += 1) session.receive(encodeResult('abc', 3));
    expect(transport.take()).toMatchObject([{ code: 'unknown-command', seq: null, commandId: 'abc' }]);
    expect(transport.closes).toEqual([]);
  });
});

describe('acknowledgements', () => {
  it('P-4.2: one covers all that became durable within 20 ms', async () => {
    const { session, transport, clock, counters } = opened();
    for (let seq = 1; seq <= 50; seq += 1) session.receive(encodeTelemetry(seq, null, { temp: seq }));
    await nextTurn();
    clock.advance(19);
    expect(transport.take()).toEqual([]);
    clock.advance(1);
    expect(transport.take()).toEqual([{ kind: FRAME.ack, seq: 50 }]);
    expect(counters.acks).toBe(1);
  });

  it('P-4.2: a device may ask for another bound in its hello', async () => {
    const { session, transport, clock } = opened();
    session.receive(encodeHello({ ackWithin: 0 }));
    session.receive(encodeEvent(1, null, 4, 'door-open'));
    transport.take();
    await nextTurn();
    expect(transport.take()).toEqual([
      { kind: FRAME.ack, seq: 0 },
      { kind: FRAME.ack, seq: 1 },
    ]);
    expect(clock.now()).toBe(1_780_000_000_000);
  });

  it('P-4.3, P-7.1: come again for the last seq, repeated without values to hear the broker, and nothing else happens', async () => {
    const { session, transport, device, clock, counters } = opened();
    session.receive(encodeTelemetry(6, null, { temp: 21.5 }));
    await nextTurn();
    clock.advance(20);
    transport.take();
    const { lastDataAt, rev } = device;
    clock.advance(30_000);
    session.receive(encodeTelemetry(6, null, {}));
    clock.advance(20);
    expect(transport.take()).toEqual([{ kind: FRAME.ack, seq: 6 }]);
    expect([device.lastDataAt, device.rev, counters.framesAccepted]).toEqual([lastDataAt, rev, 1]);
  });

  it('does not pile up for a device that does not read', async () => {
    const { session, transport, clock } = opened();
    transport.bufferedBytes = 100_000;
    for (let seq = 1; seq <= 20; seq += 1) {
      session.receive(encodeTelemetry(seq, null, { temp: seq }));
      await nextTurn();
      clock.advance(25);
    }
    expect(transport.take()).toEqual([]);
    transport.bufferedBytes = 0;
    clock.advance(20);
    expect(transport.take()).toEqual([{ kind: FRAME.ack, seq: 20 }]);
  });
});
