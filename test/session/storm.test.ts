import { describe, expect, it } from 'vitest';
import { encodeEvent, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { fc } from '../helpers/fast-check.ts';
import { framed, nextTurn, sessionHarness } from '../helpers/session.ts';

const frame = encodeTelemetry(null, null, { temp: 21.5 });
/** Fills a chunk of 64 KiB with few frames, so that decoding takes no time. */
const big = encodeTelemetry(null, null, { blob: new Uint8Array(4000) });
const NO_RATES = { framesPerSecond: 0, bytesPerSecond: 0 };

/** This many frames in one chunk. */
const chunkOf = (frames: number, one = frame) => framed(...Array.from({ length: frames }, () => one));

describe('a storm', () => {
  it('is decoded by one budget a turn over all sockets, and the rest waits undecoded', async () => {
    const { open, counters, reads } = sessionHarness({ limits: NO_RATES });
    const all = Array.from({ length: 200 }, (_, index) => open(`s${index}`, 'key', `d${index}`, `c${index}`));
    const perSocket = 200;
    for (const { transport } of all) transport.arrive(chunkOf(perSocket));
    const total = perSocket * all.length;
    const seen = [counters.framesAccepted];
    while (counters.framesAccepted < total) {
      await nextTurn();
      seen.push(counters.framesAccepted);
    }
    const steps = seen.map((count, index) => count - (seen[index - 1] ?? 0));
    const reader = new FrameReader();
    reader.read(frame);
    // While polling half a MiB of cost, then two MiB in a turn, each overshot by no more than a slice.
    const frameCost = reader.cost + 64;
    const slice = (15 * 1024) / (frame.length + 2);
    expect(steps[0]).toBeLessThan((512 * 1024) / frameCost + 2 * slice);
    for (const step of steps.slice(1)) expect(step).toBeLessThan((2 * 1024 * 1024) / frameCost + 2 * slice);
    expect([reads.held, seen.length > 5]).toEqual([0, true]);
  });

  it('holds a bounded number of bytes however many sockets there are; the rest stays in the kernel', async () => {
    const { open, reads, counters } = sessionHarness({ limits: NO_RATES });
    const all = Array.from({ length: 400 }, (_, index) => open(`s${index}`, 'key', `d${index}`));
    const chunk = chunkOf(16, big);
    let most = 0;
    for (const { transport } of all) transport.kernel.push(chunk, chunk);
    const total = 2 * all.length * 16;
    for (let turns = 0; counters.framesAccepted < total; turns += 1) {
      for (const { transport } of all) {
        transport.poll();
        most = Math.max(most, reads.held);
      }
      await nextTurn();
      if (turns > 10_000) throw new Error('frames are stuck');
    }
    // One customer may fill half of what there is.
    expect(most).toBeLessThanOrEqual(8 * 1024 * 1024 + 65_536);
    expect(reads.held).toBe(0);
  });

  it('of one customer leaves the next turn to the quiet device of another', async () => {
    const { open, reads } = sessionHarness({ limits: NO_RATES });
    const flood = Array.from({ length: 300 }, (_, index) => open(`s${index}`, 'key', `d${index}`));
    const calm = open('calm', 'key2', 'calm', 'other');
    for (const { transport } of flood) transport.arrive(chunkOf(16, big));
    expect(reads.held).toBeGreaterThan(4 * 1024 * 1024);
    expect(calm.transport.state).toBe('reading');
    for (let round = 0; round < 5; round += 1) {
      calm.transport.arrive(framed(frame));
      await nextTurn();
      expect([calm.transport.state, calm.session.isHeldBack]).toEqual(['reading', false]);
      for (const { transport } of flood) transport.arrive(chunkOf(16, big));
    }
  });

  it('lets a quiet device of the same customer go first', async () => {
    const { open, reads } = sessionHarness({ limits: NO_RATES });
    const flood = Array.from({ length: 50 }, (_, index) => open(`s${index}`, 'key', `d${index}`));
    const calm = open('calm', 'key', 'calm');
    for (const { transport } of flood) transport.arrive(chunkOf(2800));
    calm.transport.arrive(framed(frame));
    expect(calm.session.isHeldBack).toBe(true);
    await nextTurn();
    expect([calm.session.isHeldBack, reads.held > 1024 * 1024]).toEqual([false, true]);
  });

  it('of costly frames takes no more of a turn than one of small ones: customers share by cost', async () => {
    const { open, counters } = sessionHarness({ limits: NO_RATES, store: { batchBytes: 1e9 } });
    const strings = Array.from({ length: 1000 }, () => new Uint8Array(0));
    const dear = open('dear', 'key', 'dear', 'dear');
    const plain = open('plain', 'key2', 'plain', 'plain');
    dear.transport.arrive(chunkOf(60, encodeEvent(null, null, 6, 'dump', strings)));
    plain.transport.arrive(chunkOf(2500));
    const before = counters.samples;
    await nextTurn();
    await nextTurn();
    // Two turns are worth four MiB: half for each, which is ten of the dear frames and thousands of the others.
    expect(counters.samples - before).toBeGreaterThan(1500);
    expect(dear.session.isHeldBack).toBe(true);
  });

  it('of half frames holds a bounded number of them, and only their customer is sent away', async () => {
    const { open, reads } = sessionHarness({ limits: NO_RATES });
    const half = framed(new Uint8Array(20_000)).subarray(0, 5000);
    const all = Array.from({ length: 2100 }, (_, index) => open(`s${index}`, 'key', `d${index}`));
    const calm = open('calm', 'key2', 'calm', 'other');
    for (const { transport } of [...all, calm]) {
      transport.arrive(half);
      await nextTurn();
    }
    const ended = all.filter(({ transport }) => transport.closes.some(({ code }) => code === 1013));
    expect([ended.length, calm.transport.closes, reads.unfinishedMessages]).toEqual([2100 - 2048, [], 2101]);
    for (const { session } of [...all, calm]) session.closed('connection-lost');
    expect([reads.unfinishedMessages, reads.held]).toEqual([0, 0]);
  });

  it('drops what waits for a socket that has closed', async () => {
    const { open, reads, sessions, counters, clock } = sessionHarness({ limits: { framesPerSecond: 100 } });
    const { transport, session } = open();
    transport.arrive(chunkOf(2000));
    const accepted = counters.framesAccepted;
    sessions.closed(session, 'connection-lost');
    transport.isOpen = false;
    expect(reads.held).toBe(0);
    clock.advance(60_000);
    await nextTurn();
    expect([counters.framesAccepted, transport.state]).toEqual([accepted, 'stopped']);
  });

  it('drops what follows a close frame, and reads on to the end of the stream', async () => {
    const { open, reads, counters } = sessionHarness({ limits: NO_RATES });
    const { transport } = open();
    const plain = transport.deliver.bind(transport);
    transport.deliver = (bytes) => {
      plain(bytes);
      if (counters.framesAccepted > 500) transport.isOpen = false;
    };
    transport.arrive(chunkOf(2800));
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    expect([reads.held, transport.state, counters.framesAccepted < 1500]).toEqual([0, 'reading', true]);
  });

  it('P-7.1: ends nobody for silence whose bytes the broker itself holds back', () => {
    const { open, clock, sessions } = sessionHarness({
      limits: { framesPerSecond: 1 },
      devices: { keepalive: 30 },
    });
    sessions.start();
    const { transport } = open();
    transport.arrive(chunkOf(150));
    clock.advance(148_000);
    expect([transport.state, transport.closes]).toEqual(['stopped', []]);
    clock.advance(70_000);
    expect([transport.state, transport.closes]).toEqual(['reading', []]);
    clock.advance(10_000);
    expect(transport.closes.map(({ code }) => code)).toEqual([4008]);
    sessions.stop();
  });
});

describe('a stream', () => {
  it('gives the same messages however it is cut and delivered', async () => {
    const message = fc
      .integer({ min: 0, max: 7000 })
      .map((length) => encodeTelemetry(null, length, { v: new Uint8Array(length).fill(length) }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 40 }),
        async (messages, cuts) => {
          const { open, reads } = sessionHarness({ limits: NO_RATES });
          const { transport, session } = open();
          const got: string[] = [];
          session.receive = (bytes) => void got.push(Buffer.from(bytes).toString('hex'));
          const stream = framed(...messages);
          for (let at = 0, cut = 0; at < stream.length; cut += 1) {
            const end = at + (cuts[cut % cuts.length] as number);
            transport.kernel.push(stream.subarray(at, end));
            at = end;
          }
          while (transport.kernel.length > 0 || reads.held > 0) {
            transport.poll();
            await nextTurn();
          }
          expect(got).toEqual(messages.map((bytes) => Buffer.from(bytes).toString('hex')));
        },
      ),
      { numRuns: 50 },
    );
  });
});
