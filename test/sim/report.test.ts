/** The figures of the report: percentiles of a histogram of fixed size, and what counts as lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../device-sim/histogram.ts';
import { progressLine, type Report, reportText } from '../../device-sim/report.ts';

describe('the histogram', () => {
  it('is right to within 5 % and a tenth of a millisecond, whatever is counted', () => {
    const values = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), {
      minLength: 1,
      maxLength: 500,
    });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, part) => {
        const histogram = new Histogram();
        for (const value of all) histogram.add(value);
        const sorted = [...all].sort((one, other) => one - other);
        const exact = sorted[Math.max(1, Math.ceil(part * all.length)) - 1] ?? 0;
        const told = histogram.quantile(part) ?? Number.NaN;
        expect(told).toBeGreaterThanOrEqual(Math.min(exact, told + 0.05) - 0.05);
        expect(told).toBeLessThanOrEqual(exact * 1.05 + 0.15);
        expect(told).toBeGreaterThanOrEqual(exact - 0.05);
      }),
    );
  });

  it('says nothing of nothing, and bears what is off its scale', () => {
    const histogram = new Histogram();
    expect(histogram.quantile(0.5)).toBeNull();
    histogram.add(1e12);
    histogram.add(-1);
    expect(histogram.count).toBe(2);
    expect(histogram.quantile(0)).toBeLessThanOrEqual(0.1);
  });

  it('knows the usual percentiles', () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 1000; value += 1) histogram.add(value);
    expect(histogram.quantile(0.5)).toBeCloseTo(500, -2);
    expect(histogram.quantile(0.99)).toBeGreaterThanOrEqual(990);
    expect(histogram.quantile(1)).toBe(1000);
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
