import { describe, expect, it } from 'vitest';
import { encodeTelemetry } from '../../broker/wire/encode.ts';
import { nextTurn, sessionHarness } from '../helpers/session.ts';

describe('heartbeats', () => {
  it('P-7.1: the broker pings every 30 s, and ends a connection that was silent for 75 s', () => {
    const { sessions, open, clock } = sessionHarness();
    sessions.start();
    const { transport } = open();
    clock.advance(74_000);
    expect([transport.pings, transport.closes]).toEqual([2, []]);
    clock.advance(1000);
    expect(transport.closes).toMatchObject([{ code: 4008 }]);
    sessions.stop();
  });

  it('P-7.1: an answered ping is a sign of life, and is not taken for data', async () => {
    const { sessions, open, clock, ingest } = sessionHarness();
    sessions.start();
    const { transport, session, device } = open();
    await ingest.flushed();
    for (let minute = 0; minute < 10; minute += 1) {
      clock.advance(60_000);
      session.heard();
    }
    expect(transport.closes).toEqual([]);
    expect([device.lastSeenAt, device.lastDataAt]).toEqual([clock.now(), 0]);
    sessions.stop();
  });

  it('P-7.1: goes by no wall clock: set ahead, nobody is ended with 4008; set back, the silent one still is', async () => {
    const { sessions, open, clock, ingest } = sessionHarness();
    sessions.start();
    const { transport, session, device } = open();
    await ingest.flushed();
    clock.setWall(clock.now() + 86_400_000);
    clock.advance(70_000);
    expect([transport.pings, transport.closes]).toEqual([2, []]);
    session.heard();
    expect(device.lastSeenAt).toBe(clock.now());
    clock.setWall(clock.now() - 3_600_000 * 25);
    clock.advance(74_000);
    expect([transport.pings, transport.closes]).toEqual([4, []]);
    clock.advance(1000);
    expect(transport.closes).toMatchObject([{ code: 4008 }]);
    sessions.stop();
  });

  it('P-3.3: a device that says nothing gets its commands after 2 s, though the wall clock was set back', () => {
    const { sessions, open, clock } = sessionHarness();
    sessions.start();
    const { session } = open();
    clock.setWall(clock.now() - 3_600_000);
    clock.advance(2000);
    expect(session.ready).toBe(true);
    sessions.stop();
  });

  it('P-2.3: a wall clock set ahead forgives no invalid frames', () => {
    const { open, clock } = sessionHarness({ limits: { invalidFramesPerMinute: 2 } });
    const { session, transport } = open();
    const unknown = Uint8Array.of(0x81, 0x18, 99);
    for (let sent = 0; sent < 3; sent += 1) {
      clock.setWall(clock.now() + 3_600_000);
      session.receive(unknown);
    }
    expect(transport.closes).toMatchObject([{ code: 4400 }]);
  });

  it('P-7.1: "The virtual machine was suspended, and then every device was thrown out for silence"', () => {
    const { sessions, open, clock } = sessionHarness();
    sessions.start();
    const talking = open('s1', 'key1', 'talking');
    const dead = open('s2', 'key1', 'dead');
    clock.advance(40_000);
    clock.freeze(3_600_000);
    clock.advance(0);
    // Asked once more at once; what lay in the sockets is read now.
    expect([talking.transport.pings, talking.transport.closes, dead.transport.closes]).toEqual([2, [], []]);
    talking.session.heard();
    clock.advance(40_000);
    expect([talking.transport.closes, dead.transport.closes]).toMatchObject([[], [{ code: 4008 }]]);
    sessions.stop();
  });

  it('P-3.3: a hello that lies in the socket while the process is stopped still comes first', () => {
    const { sessions, open, clock } = sessionHarness();
    sessions.start();
    const { session } = open();
    clock.freeze(10_000);
    clock.advance(0);
    expect(session.ready).toBe(false);
    clock.advance(1000);
    expect(session.ready).toBe(true);
    sessions.stop();
  });

  it('leaves no timer behind when it stops', () => {
    const { sessions, clock } = sessionHarness();
    sessions.start();
    sessions.stop();
    sessions.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('the end of a connection', () => {
  it('is told with its reason, once', async () => {
    const { sessions, open, fleet, counters, ingest } = sessionHarness();
    const { session, device } = open();
    session.end(4003, 'The key was revoked.');
    sessions.closed(session, 'connection-lost');
    sessions.closed(session, 'connection-lost');
    await ingest.flushed();
    expect(device.presence).toMatchObject({ state: 'offline', session: 's1', reason: 'key-ended' });
    expect([fleet.online, sessions.size, [...counters.closes]]).toEqual([0, 0, [['key-ended', 1]]]);
  });

  it('by a revoked key hits exactly the connections of that key', () => {
    const { sessions, open } = sessionHarness();
    const mine = open('s1', 'key1', 'pump');
    const other = open('s2', 'key2', 'valve');
    expect(sessions.endKey('key1', 4003, 'The key was revoked.')).toBe(1);
    expect(mine.transport.closes).toEqual([{ code: 4003, reason: 'The key was revoked.' }]);
    expect(other.transport.closes).toEqual([]);
  });

  it('P-7.3: at a stop, what is owed comes first, then 1001 with a delay for each', async () => {
    const { sessions, open } = sessionHarness();
    const { session, transport } = open();
    transport.take();
    session.receive(encodeTelemetry(1, null, { temp: 1 }));
    await nextTurn();
    sessions.drain(4000);
    expect(transport.take()).toMatchObject([{ seq: 1 }]);
    expect(transport.closes).toEqual([{ code: 1001, reason: 'reconnect in 2500 ms' }]);
  });

  it('after a failure of the store, nothing that is owed is sent any more', async () => {
    const { sessions, open, clock } = sessionHarness();
    const { session, transport } = open();
    transport.take();
    session.receive(encodeTelemetry(1, null, { temp: 1 }));
    await nextTurn();
    sessions.abandon();
    clock.advance(1000);
    expect(transport.take()).toEqual([]);
    expect(transport.closes).toMatchObject([{ code: 1013 }]);
  });
});
