/**
 * What a committed frame does to its device; the one place where last-known state changes, for live frames and for
 * replay alike.
 *
 * When a sample was measured, from what the device said and when it arrived (P-4.4, P-4.5). Pure.
 */
import {
  type BatchFrame,
  type DataFrame,
  type EventFrame,
  FRAME,
  type TelemetryFrame,
} from '../../wire/frames.ts';
import type { ClockState, Device } from '../fleet/device.ts';
import type { DeviceEvent } from '../fleet/events.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Columns, MetricTable, StateLimits, StateRefusal } from '../fleet/metrics.ts';
import { MOST_AHEAD } from './state-cost.ts';

/** 2000-01-01: an earlier time is an unset clock, or seconds instead of milliseconds. */
const EARLIEST = Date.UTC(2000, 0, 1);

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
  return at > arrival + MOST_AHEAD ? 'ahead' : 'ok';
}

/** The columns of a frame's samples: one for telemetry, one a sample for a batch, none for an event. */
export type FrameColumns = Columns | readonly Columns[];

const NO_COLUMNS: Columns = [];

/** For what was accepted in an earlier life. */
export const NO_LIMITS: StateLimits = {
  metricsPerDevice: Number.POSITIVE_INFINITY,
  stateBytes: Number.POSITIVE_INFINITY,
  valueBytes: Number.POSITIVE_INFINITY,
};

/**
 * Reserves what a frame needs in its device's state, in the order in which frames will be applied; or says why it cannot
 * be taken, and then nothing of it is left.
 */
export function reserveState(
  { metrics }: Device,
  frame: DataFrame,
  arrival: number,
  limits: StateLimits,
): FrameColumns | StateRefusal {
  if (frame.kind === FRAME.event) return NO_COLUMNS;
  return frame.kind === FRAME.telemetry
    ? reserveTelemetry(metrics, frame, arrival, limits)
    : reserveBatch(metrics, frame, arrival, limits);
}

function reserveTelemetry(
  metrics: MetricTable,
  frame: TelemetryFrame,
  arrival: number,
  limits: StateLimits,
): Columns | StateRefusal {
  const at = kept(absoluteTime(frame.time, arrival), arrival);
  const plain = metrics.plainColumns(frame);
  if (plain) {
    metrics.advance(plain, frame, at, arrival);
    return plain;
  }
  metrics.begin(arrival);
  const columns = metrics.reserve(frame, at, limits);
  return metrics.settle(typeof columns === 'string' ? columns : null, limits) ?? columns;
}

function reserveBatch(
  metrics: MetricTable,
  frame: BatchFrame,
  arrival: number,
  limits: StateLimits,
): readonly Columns[] | StateRefusal {
  const start = batchStart(frame, arrival);
  metrics.begin(arrival);
  const all: Columns[] = [];
  let refusal: StateRefusal | null = null;
  for (const sample of frame.samples) {
    const columns = metrics.reserve(sample, kept(start + sample.dt, arrival), limits);
    if (typeof columns === 'string') {
      refusal = columns;
      break;
    }
    all.push(columns);
  }
  return metrics.settle(refusal, limits) ?? all;
}

/** The worst that a frame's times say of the clock; null if it states no absolute time. */
export function judgeFrame(frame: DataFrame, arrival: number): ClockState | null {
  if (frame.time === null && frame.kind !== FRAME.batch) return null;
  if (frame.kind !== FRAME.batch) return frame.time === null ? null : stated(frame.time, arrival);
  const start = batchStart(frame, arrival);
  let worst: ClockState = 'ok';
  for (const sample of frame.samples) {
    const judged = judgeTime(start + sample.dt, arrival);
    if (judged !== 'ok') worst = judged;
  }
  return frame.time === null && worst === 'ok' ? null : worst;
}

function stated(time: number, arrival: number): ClockState | null {
  const judged = judgeTime(absoluteTime(time, arrival), arrival);
  return time < 0 && judged === 'ok' ? null : judged;
}

/** A frame that was taken in, with what was found out about it then. */
export interface Taken {
  readonly frame: DataFrame;
  readonly columns: FrameColumns;
  /** Unix ms. */
  readonly arrival: number;
  /** From `judgeFrame`. */
  readonly clock: ClockState | null;
}

/**
 * Applies one frame of the record that ends at log position `end`; returns the event that it carried, if it was one.
 */
export function applyFrame(fleet: Fleet, device: Device, taken: Taken, end: number): DeviceEvent | null {
  const { frame, columns, arrival, clock } = taken;
  const rev = fleet.touch(device);
  device.appliedTo = end;
  device.lastDataAt = arrival;
  if (clock) device.clock = clock;
  if (frame.kind === FRAME.telemetry) applyTelemetry(device, frame, columns as Columns, arrival, rev);
  else if (frame.kind === FRAME.batch) applyBatch(device, frame, columns as readonly Columns[], arrival, rev);
  else return eventOf(frame, arrival, rev);
  return null;
}

function applyTelemetry(
  device: Device,
  frame: TelemetryFrame,
  columns: Columns,
  arrival: number,
  rev: number,
): void {
  const at = kept(absoluteTime(frame.time, arrival), arrival);
  device.metrics.merge(columns, frame, at, arrival, rev);
}

function applyBatch(
  device: Device,
  frame: BatchFrame,
  columns: readonly Columns[],
  arrival: number,
  rev: number,
): void {
  const start = batchStart(frame, arrival);
  frame.samples.forEach((sample, index) => {
    device.metrics.merge(columns[index] as Columns, sample, kept(start + sample.dt, arrival), arrival, rev);
  });
}

function eventOf(frame: EventFrame, arrival: number, rev: number): DeviceEvent {
  const time = kept(absoluteTime(frame.time, arrival), arrival);
  return { time, receivedAt: arrival, severity: frame.severity, name: frame.name, data: frame.data, rev };
}

/** P-4.5: a time that cannot be right gives way to the arrival. */
function kept(at: number, arrival: number): number {
  return judgeTime(at, arrival) === 'ok' ? at : arrival;
}
