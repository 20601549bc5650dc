/** The broker's figures of itself. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Caller } from '../../broker/access/caller.ts';
import { Counters, count } from '../../broker/hub/counters.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { ProcessMetrics, type ProcessReading } from '../../broker/hub/process-metrics.ts';
import { StatsCollector, statsFor } from '../../broker/hub/stats.ts';
import type { LogStats } from '../../broker/store/ports.ts';
import { positionOf } from '../../broker/store/position.ts';
import { FakeClock } from '../helpers/clock.ts';
import { SOME_BRIDGE } from '../helpers/some-bridge.ts';
import { connect } from './fleet.ts';

const LOG: LogStats = {
  first: positionOf(10),
  end: positionOf(90),
  segments: 2,
  bytes: 80,
  commits: 4,
  syncMilliseconds: 3,
  lost: { mqtt: 7 },
};
const READING: ProcessReading = {
  memory: { residentBytes: 3, heapBytes: 2, externalBytes: 1 },
  eventLoopDelay: { p50: 0.1, p99: 2, max: 5 },
};

class FakeGauge {
  running = false;

  start(): void {
    this.running = true;
  }

  stop(): void {
    this.running = false;
  }

  read(): ProcessReading {
    return READING;
  }
}

function setUp() {
  const clock = new FakeClock();
  const counters = new Counters();
  const fleet = new Fleet(new Revisions(1));
  const process = new FakeGauge();
  const collector = new StatsCollector({
    fleet,
    counters,
    clock,
    process,
    log: { stats: () => LOG },
    stores: { obstacles: { log: 'disk-full', database: null } },
    viewers: () => 3,
    commands: { waiting: 4 },
    bridge: () => SOME_BRIDGE,
    version: '1.2.3',
  });
  onTestFinished(() => collector.stop());
  return { clock, counters, fleet, process, collector };
}

/** One more second in which `frames` came, with four samples and 70 bytes each. */
function second({ clock, counters }: ReturnType<typeof setUp>, frames: number): void {
  clock.advance(500);
  counters.framesAccepted += frames;
  counters.samples += frames * 4;
  counters.bytesReceived += frames * 70;
  counters.commits += 5;
  counters.acks += 2;
  clock.advance(500);
}

describe('the figures', () => {
  it('count what is there and what has happened since the start', () => {
    const { clock, counters, fleet, collector } = setUp();
    collector.start();
    connect(fleet, fleet.obtain('acme', 'pump-7'), clock.now());
    fleet.obtain('acme', 'fan-1');
    counters.framesAccepted = 12;
    counters.framesCommitted = 9;
    counters.pauses.rate = 4;
    count(counters.refusals, 'unauthorized');
    count(counters.frameErrors, 'bad-batch');
    count(counters.closes, 'replaced');
    clock.advance(90_000);
    expect(collector.current()).toMatchObject({
      at: clock.now(),
      startedAt: clock.now() - 90_000,
      uptimeSeconds: 90,
      version: '1.2.3',
      devices: { total: 2, online: 1, neverSeen: 1 },
      broker: {
        viewers: 3,
        totals: { frames: 12 },
        pauses: { rate: 4, turn: 0, batch: 0 },
        refusals: { unauthorized: 1 },
        frameErrors: { 'bad-batch': 1 },
        closes: { replaced: 1 },
        log: { bytes: 80, segments: 2, first: 10, end: 90, waitingFrames: 3, lost: { mqtt: 7 } },
        storesWaiting: { log: 1, database: 0 },
        ...READING,
      },
    });
  });

  it('tell rates over the last five seconds', () => {
    const bench = setUp();
    const rates = () => bench.collector.current().broker?.rates;
    bench.collector.start();
    expect(rates()).toEqual({ frames: 0, samples: 0, bytes: 0, commits: 0, acks: 0 });
    second(bench, 100);
    expect(rates()).toEqual({ frames: 100, samples: 400, bytes: 7000, commits: 5, acks: 2 });
    for (let seconds = 0; seconds < 4; seconds += 1) second(bench, 0);
    expect(rates()).toMatchObject({ frames: 20, commits: 5 });
    second(bench, 10);
    expect(rates()).toMatchObject({ frames: 2, samples: 8, bytes: 140 });
  });

  it('tell the same rates and uptime when the wall clock is set back, and ahead', () => {
    const bench = setUp();
    bench.collector.start();
    for (const step of [-3_600_000, 7_200_000]) {
      bench.clock.setWall(bench.clock.now() + step);
      for (let seconds = 0; seconds < 5; seconds += 1) second(bench, 100);
      expect(bench.collector.current().broker?.rates).toMatchObject({ frames: 100, commits: 5 });
    }
    expect(bench.collector.current().uptimeSeconds).toBe(10);
  });

  it('are a copy that does not change afterwards', () => {
    const { counters, collector } = setUp();
    collector.start();
    const before = collector.current();
    count(counters.closes, 'replaced');
    counters.pauses.turn += 1;
    expect(before.broker).toMatchObject({ closes: {}, pauses: { turn: 0 } });
  });

  it('leave no timer behind, however often they are started and stopped', () => {
    const { clock, collector, process } = setUp();
    collector.start();
    collector.start();
    expect([clock.pending, process.running]).toEqual([2, true]);
    collector.stop();
    collector.stop();
    expect([clock.pending, process.running]).toEqual([0, false]);
  });

  it('show a customer its own devices and nothing of the whole', () => {
    const { clock, fleet, collector } = setUp();
    collector.start();
    connect(fleet, fleet.obtain('acme', 'pump-7'), clock.now());
    fleet.obtain('beta', 'fan-1');
    const caller = (customer: string): Caller => ({ keyId: 'k', role: 'viewer', customer, device: null });
    expect(statsFor(collector.current(), caller('beta'), fleet)).toEqual({
      at: clock.now(),
      version: '1.2.3',
      startedAt: clock.now(),
      uptimeSeconds: 0,
      devices: { total: 1, online: 0, neverSeen: 1 },
    });
    expect(statsFor(collector.current(), caller('*'), fleet).broker).toBeDefined();
  });
});

describe("the process' own figures", () => {
  it('see a turn of the event loop that took too long, once', async () => {
    const metrics = new ProcessMetrics();
    metrics.start();
    onTestFinished(() => metrics.stop());
    const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
    // They look from a timer of its own: blocked until a turn after that shows it.
    const untilDelay = async (): Promise<number> => {
      for (;;) {
        const end = performance.now() + 60;
        while (performance.now() < end);
        for (let turn = 0; turn < 100; turn += 1) {
          await nextTurn();
          const { max } = metrics.read().eventLoopDelay;
          if (max >= 40) return max;
        }
      }
    };
    expect(await untilDelay()).toBeGreaterThanOrEqual(40);
    expect(metrics.read().eventLoopDelay).toEqual({ p50: 0, p99: 0, max: 0 });
    expect(metrics.read().memory.residentBytes).toBeGreaterThan(1_000_000);
  });
});
