/** When a sample was measured, from what the device said and when it arrived (P-4.4, P-4.5). Pure. */
import type { BatchFrame } from '../wire/frames.ts';
import type { ClockState } from './fleet/device.ts';

/** 2000-01-01: an earlier time is an unset clock, or seconds instead of milliseconds. */
const EARLIEST = Date.UTC(2000, 0, 1);
const AHEAD = 10 * 60 * 1000;

/** Unix ms of a frame's `time`: null = on arrival, below zero = before arrival. Not yet checked against P-4.5. */
export function absoluteTime(time: number | null, arrival: number): number {
  if (time === null) return arrival;
  return time < 0 ? arrival + time : time;
}

/** Where a batch's `dt` count from; with no time of its own the batch ends on arrival (P-4.4). */
export function batchStart(frame: BatchFrame, arrival: number): number {
  if (frame.time !== null) return absoluteTime(frame.time, arrival);
  let last = Number.NEGATIVE_INFINITY;
  for (const sample of frame.samples) if (sample.dt > last) last = sample.dt;
  return frame.samples.length === 0 ? arrival : arrival - last;
}

/** What a measurement time says of the device's clock; one that is not `ok` is replaced by the arrival (P-4.5). */
export function judgeTime(at: number, arrival: number): ClockState {
  if (at < EARLIEST) return 'unset';
  return at > arrival + AHEAD ? 'ahead' : 'ok';
}
