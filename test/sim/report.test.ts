/** The figures of the report: quantiles of durations, and what counts as lost. */

import { describe, expect, it } from 'vitest';
import { Durations } from '../../device-sim/durations.ts';
import { progressLine, type Report, reportText } from '../../device-sim/report.ts';
import { fc } from '../helpers/fast-check.ts';

describe('durations', () => {
  it('are told to within a thousandth and a tenth of a millisecond, whatever is counted', () => {
    const values = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), {
      minLength: 1,
      maxLength: 500,
    });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, part) => {
        const durations = new Durations();
        for (const value of all) durations.add(value);
        const sorted = [...all].sort((one, other) => one - other);
        // The rank is rounded, as HdrHistogram does.
        const exact = sorted[Math.max(1, Math.floor(((part * 100) / 100) * all.length + 0.5)) - 1] ?? 0;
        const told = durations.quantile(part) ?? Number.NaN;
        expect(told).toBeGreaterThanOrEqual(exact - 0.06);
        expect(told).toBeLessThanOrEqual(exact * 1.001 + 0.06);
      }),
    );
  });

  it('say nothing of nothing, and bear what is off its scale', () => {
    const durations = new Durations();
    expect(durations.quantile(0.5)).toBeNull();
    durations.add(1e12);
    durations.add(-1);
    expect(durations.count).toBe(2);
    expect(durations.quantile(0)).toBeLessThanOrEqual(0.1);
  });

  it('are collected for a while, and then anew', () => {
    const durations = new Durations();
    for (const duration of [1, 2, 30]) durations.add(duration);
    expect(durations.collect()).toEqual({ count: 3, p50: 2, p99: 30, max: 30 });
    expect(durations.collect()).toEqual({ count: 0, p50: 0, p99: 0, max: 0 });
  });

  it('know the usual percentiles', () => {
    const durations = new Durations();
    for (let value = 1; value <= 1000; value += 1) durations.add(value);
    expect(durations.quantile(0.5)).toBeCloseTo(500, -2);
    expect(durations.quantile(0.99)).toBeGreaterThanOrEqual(990);
    expect(durations.quantile(1)).toBe(1000);
  });
});

const report: Report = {
  devices: 200,
  connected: 199,
  online: 198,
  seconds: 12.34,
  sent: 12_345,
  samples: 23_456,
  acknowledged: 12_340,
  pending: 3,
  lost: 2,
  resent: 7,
  refused: 1,
  disconnects: 4,
  commands: {
    received: 1234,
    repeated: 5,
    executed: 1200,
    accepted: 1210,
    done: 1190,
    failed: 10,
    rejected: 3,
  },
  ackP50: 8.2,
  ackP99: 42.7,
  framesPerSecond: 1000.4,
  problems: [{ what: 'refused (401): no', count: 1 }],
};

it('the closing report says everything in words', () => {
  expect(reportText(report).split('\n')).toEqual([
    'devices        200 (199 connected)',
    'duration       12.3 s',
    'sent           12,345 frames, 23,456 samples',
    'acknowledged   12,340 (1,000 frames/s)',
    'lost           2',
    'resent         7',
    'refused        1',
    'disconnects    4',
    'ack p50 / p99  8.2 ms / 43 ms',
    'commands       1,234 received (5 again), 1,200 executed',
    '               1,190 done, 10 failed, 3 rejected',
    '  1 x refused (401): no',
  ]);
});

it('says nothing of commands where none came', () => {
  const none = { ...report.commands, received: 0 };
  expect(reportText({ ...report, commands: none })).not.toContain('commands');
});

it('the progress fits on a line', () => {
  expect(progressLine(report)).toBe(
    '12 s  198/200 online  12,340 acknowledged  1,000 frames/s  3 waiting  2 lost  ack p99 43 ms',
  );
});
