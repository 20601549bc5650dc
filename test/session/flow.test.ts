import { describe, expect, it } from 'vitest';
import { encode } from '../../broker/wire/cbor.ts';
import { encodeEvent, encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { framed, nextTurn, sessionHarness } from '../helpers/session.ts';

const frame = encodeTelemetry(null, null, { temp: 21.5 });
const NO_RATES = { framesPerSecond: 0, bytesPerSecond: 0 };

/** This many frames in one chunk. */
const chunkOf = (frames: number, one = frame) => framed(...Array.from({ length: frames }, () => one));

describe('the rate of a device', () => {
  it('P-7.2: above its rate a device is not read until it is within it again, and nothing is lost', () => {
    const { open, clock, counters } = sessionHarness({ limits: { framesPerSecond: 100 } });
    const { transport } = open();
    transport.arrive(chunkOf(150));
    expect([transport.state, counters.framesAccepted]).toEqual(['stopped', 150]);
    clock.advance(499);
    expect(transport.state).toBe('stopped');
    clock.advance(1);
    expect(transport.state).toBe('reading');
    expect(counters.pauses.rate).toBeGreaterThan(0);
  });

  it('P-7.2: what one read of the socket brought beyond the rate waits as bytes, and comes in order', async () => {
    const { open, clock, counters, reads } = sessionHarness({ limits: { framesPerSecond: 100 } });
    const { transport, device } = open();
    const numbered = Array.from({ length: 1000 }, (_, index) =>
      encodeTelemetry(index + 1, null, { n: index }),
    );
    const chunk = framed(...numbered);
    transport.arrive(chunk);
    expect(counters.framesAccepted).toBeLessThan(400);
    expect(reads.held).toBeGreaterThan(chunk.length / 2);
    for (let second = 0; second < 10; second += 1) {
      clock.advance(1000);
      await nextTurn();
    }
    expect([counters.framesAccepted, reads.held, transport.state]).toEqual([1000, 0, 'reading']);
    await nextTurn();
    expect([...device.metrics.changedSince(0)][0]?.value).toBe(999);
  });

  it('P-2.2: a frame is charged by what it costs in memory, not by its bytes alone', () => {
    const strings = Array.from({ length: 200 }, () => new Uint8Array(0));
    const costly = encodeTelemetry(null, null, { a: strings });
    const { open, clock } = sessionHarness({ limits: { framesPerSecond: 0, bytesPerSecond: 20_000 } });
    const { transport } = open();
    transport.arrive(framed(costly));
    expect([costly.length < 300, transport.state]).toEqual([true, 'stopped']);
    const reader = new FrameReader();
    reader.read(costly);
    expect(reader.cost).toBeGreaterThan(200 * 200);
    clock.advance(Math.ceil(((reader.cost - 20_000) / 20_000) * 1000) - 1);
    expect(transport.state).toBe('stopped');
    clock.advance(1);
    expect(transport.state).toBe('reading');
  });

  it('P-2.2: the names of fields are charged whenever they are stored, not only once', async () => {
    const { open, clock, counters, log } = sessionHarness({ limits: { framesPerSecond: 0 } });
    const { transport } = open();
    const fields = Array.from({ length: 256 }, (_, index) => `f${index}`.padEnd(64, 'x'));
    transport.arrive(framed(encodeHello({ fields })));
    const tiny = encode([1, null, null, [1]]);
    for (let sent = 0; sent < 500; sent += 1) {
      // As if the log began a segment with each commit.
      log.batch.beginSources();
      transport.arrive(framed(tiny));
      await nextTurn();
      clock.advance(4);
    }
    // A second's worth at once, and two seconds; 6 bytes a frame would have brought 8 MB into the log.
    expect(counters.bytesCommitted).toBeGreaterThan(1_000_000);
    expect(counters.bytesCommitted).toBeLessThan(3.1 * 1_048_576);
  });

  it('P-7.2: a wall clock that is set, back or ahead, neither lengthens that wait nor ends it', () => {
    const { open, clock } = sessionHarness({ limits: { framesPerSecond: 100 } });
    const { transport } = open();
    for (const step of [-3_600_000, 86_400_000]) {
      transport.arrive(chunkOf(150));
      clock.setWall(clock.now() + step);
      clock.advance(499);
      expect(transport.state).toBe('stopped');
      clock.advance(1);
      expect(transport.state).toBe('reading');
      clock.advance(1000);
    }
  });

  it('does not hold up the answer to a close that the broker sent', async () => {
    const { open, counters, reads } = sessionHarness({ limits: { framesPerSecond: 10 } });
    const { transport, session } = open();
    transport.arrive(chunkOf(1000));
    session.end(4001);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    expect([reads.held, transport.state]).toEqual([0, 'reading']);
    expect(counters.framesAccepted).toBeLessThan(300);
  });
});

describe('the open batch', () => {
  it('P-7.2: when it is full nothing more is decoded until its commit has begun', async () => {
    const { open, log, clock, counters, ingest, reads } = sessionHarness({
      limits: NO_RATES,
      store: { batchBytes: 65_536 },
    });
    log.holdBack();
    const { transport } = open();
    transport.arrive(framed(frame));
    await nextTurn();
    transport.arrive(chunkOf(2000));
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect([ingest.full, transport.state, counters.pauses.batch > 0]).toEqual([true, 'stopped', true]);
    const decoded = counters.framesAccepted;
    expect(reads.held).toBeGreaterThan(0);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(counters.framesAccepted).toBe(decoded);
    log.release();
    for (let turn = 0; counters.framesAccepted < 2001; turn += 1) {
      clock.advance(4);
      await nextTurn();
      if (turn > 1000) throw new Error('frames are stuck');
    }
    await nextTurn();
    expect([reads.held, transport.state]).toEqual([0, 'reading']);
  });

  it('P-2.2: is bound by what its frames cost: few costly ones fill it', async () => {
    const { open, log, counters, ingest } = sessionHarness({
      limits: NO_RATES,
      store: { batchBytes: 1_000_000 },
    });
    log.holdBack();
    const { transport } = open();
    transport.arrive(framed(frame));
    await nextTurn();
    const strings = Array.from({ length: 1000 }, () => new Uint8Array(0));
    transport.arrive(chunkOf(50, encodeEvent(null, null, 6, 'dump', strings)));
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    // Five fill it; the slice of 4 KiB that holds the fifth holds three more.
    expect([ingest.full, counters.framesAccepted <= 9]).toEqual([true, true]);
    log.release();
  });
});
