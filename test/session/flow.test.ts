import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rate } from '../../broker/session/rate.ts';
import { encodeTelemetry } from '../../broker/wire/encode.ts';
import { nextTurn, sessionHarness } from '../helpers/session.ts';

const frame = encodeTelemetry(null, null, { temp: 21.5 });

describe('flow control', () => {
  it('P-7.2: above its rate a device is not read until it is within it again, and nothing is lost', () => {
    const { open, clock, counters } = sessionHarness({ limits: { framesPerSecond: 100 } });
    const { session, transport } = open();
    for (let sent = 0; sent < 150; sent += 1) session.receive(frame);
    expect([transport.state, counters.framesAccepted]).toEqual(['paused', 150]);
    clock.advance(499);
    expect(transport.state).toBe('paused');
    clock.advance(1);
    expect(transport.state).toBe('reading');
    expect(counters.pauses.rate).toBeGreaterThan(0);
  });

  it('P-7.2: the rate in bytes holds too', () => {
    const { open, clock } = sessionHarness({
      limits: { framesPerSecond: 0, bytesPerSecond: 10 * frame.length },
    });
    const { session, transport } = open();
    for (let sent = 0; sent < 10; sent += 1) session.receive(frame);
    expect(transport.state).toBe('reading');
    session.receive(frame);
    expect(transport.state).toBe('paused');
    clock.advance(100);
    expect(transport.state).toBe('reading');
  });

  it('P-7.2: a wall clock that is set, back or ahead, neither lengthens that wait nor ends it', () => {
    const { open, clock } = sessionHarness({ limits: { framesPerSecond: 100 } });
    const { session, transport } = open();
    for (const step of [-3_600_000, 86_400_000]) {
      for (let sent = 0; sent < 150; sent += 1) session.receive(frame);
      clock.setWall(clock.now() + step);
      session.receive(frame);
      clock.advance(499);
      expect(transport.state).toBe('paused');
      clock.advance(11);
      expect(transport.state).toBe('reading');
      clock.advance(1000);
    }
  });

  it('reads a flooding socket no more in the turn in which it had its share', async () => {
    const { open } = sessionHarness({ limits: { framesPerSecond: 0, bytesPerSecond: 0 } });
    const flooding = open('s1', 'key1', 'flood');
    const calm = open('s2', 'key2', 'calm');
    for (let sent = 0; sent < 300; sent += 1) flooding.session.receive(frame);
    calm.session.receive(frame);
    expect([flooding.transport.state, calm.transport.state]).toEqual(['paused', 'reading']);
    await nextTurn();
    expect([flooding.transport.state, flooding.transport.pauses]).toEqual(['reading', 1]);
  });

  it('lets only a few of many flooding sockets into one turn, and every one of them in time', async () => {
    const { open } = sessionHarness({ limits: { framesPerSecond: 0, bytesPerSecond: 0 } });
    const all = Array.from({ length: 40 }, (_, index) => open(`s${index}`, 'key', `d${index}`));
    for (const { session } of all) for (let sent = 0; sent < 256; sent += 1) session.receive(frame);
    const reading = () => all.filter(({ transport }) => transport.state === 'reading').length;
    const seen = [reading()];
    for (let turn = 0; turn < 3; turn += 1) {
      await nextTurn();
      seen.push(reading());
    }
    expect(seen).toEqual([0, 16, 32, 40]);
  });

  it('P-7.2: when the open batch is full nobody is read until its commit has begun', async () => {
    const { open, log, clock, counters } = sessionHarness({
      limits: { framesPerSecond: 0, bytesPerSecond: 0 },
      store: { batchBytes: 65536 },
    });
    log.held = [];
    const { session, transport } = open();
    session.receive(frame);
    await nextTurn();
    let turns = 0;
    while (counters.pauses.batch === 0) {
      session.receive(frame);
      if (transport.state === 'paused') await nextTurn();
      turns += 1;
      if (turns > 10_000) throw new Error('the batch never filled');
    }
    expect(transport.state).toBe('paused');
    log.release();
    await nextTurn();
    clock.advance(4);
    await nextTurn();
    expect(transport.state).toBe('reading');
  });
});

describe('a token bucket', () => {
  it('lets through, over any stretch, at most its rate and one burst', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 }), (gaps) => {
        const rate = new Rate(50, 0);
        let now = 0;
        let taken = 0;
        for (const gap of gaps) {
          now += gap;
          const wait = rate.take(1, now);
          taken += 1;
          now += wait;
        }
        expect(taken).toBeLessThanOrEqual(50 + (now * 50) / 1000 + 1);
      }),
    );
  });

  it('takes nothing away when the clock is set back', () => {
    const rate = new Rate(10, 1000);
    expect(rate.take(5, 1000)).toBe(0);
    expect(rate.take(5, 0)).toBe(0);
  });

  it('of rate 0 is no limit', () => {
    expect(new Rate(0, 0).take(1e9, 0)).toBe(0);
  });
});
