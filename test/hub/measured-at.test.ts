import { describe, expect, it } from 'vitest';
import { absoluteTime, batchStart, judgeTime } from '../../broker/hub/telemetry/apply.ts';
import { type BatchFrame, FRAME } from '../../broker/wire/frames.ts';

const ARRIVAL = Date.UTC(2026, 10, 24);
const MINUTE = 60_000;

function batch(time: number | null, ...dts: number[]): BatchFrame {
  return { kind: FRAME.batch, seq: 1, time, samples: dts.map((dt) => ({ dt, names: [], values: [] })) };
}

describe('the time of a sample', () => {
  it('P-4.4: null is the arrival, zero or above is Unix ms, below zero is before arrival', () => {
    expect(absoluteTime(null, ARRIVAL)).toBe(ARRIVAL);
    expect(absoluteTime(0, ARRIVAL)).toBe(0);
    expect(absoluteTime(ARRIVAL - 5, ARRIVAL)).toBe(ARRIVAL - 5);
    expect(absoluteTime(-1500, ARRIVAL)).toBe(ARRIVAL - 1500);
  });

  it('P-4.4: in a batch, dt counts from its time; without one the batch ends on arrival', () => {
    expect(batchStart(batch(1000, 0, 10), ARRIVAL)).toBe(1000);
    expect(batchStart(batch(-100, 0, 10), ARRIVAL)).toBe(ARRIVAL - 100);
    expect(batchStart(batch(null, 0, 40, 10), ARRIVAL)).toBe(ARRIVAL - 40);
    expect(batchStart(batch(null, -1000, -400), ARRIVAL) - 400).toBe(ARRIVAL);
    expect(batchStart(batch(null), ARRIVAL)).toBe(ARRIVAL);
  });

  it('P-4.5: before 2000 is an unset clock or seconds for milliseconds; more than 10 minutes ahead is a wrong one', () => {
    expect(judgeTime(Date.UTC(2000, 0, 1) - 1, ARRIVAL)).toBe('unset');
    expect(judgeTime(Date.UTC(2000, 0, 1), ARRIVAL)).toBe('ok');
    expect(judgeTime(Math.floor(ARRIVAL / 1000), ARRIVAL)).toBe('unset');
    expect(judgeTime(ARRIVAL + 10 * MINUTE, ARRIVAL)).toBe('ok');
    expect(judgeTime(ARRIVAL + 10 * MINUTE + 1, ARRIVAL)).toBe('ahead');
    expect(judgeTime(Date.UTC(2036, 1, 7), ARRIVAL)).toBe('ahead');
  });
});
