/**
 * Applies entries of the log to their devices, live ones and those of a replay alike. Nothing else changes last-known
 * state, apart from the rows that a start reads (device-record.ts). Also decides what is needed before: when a sample was
 * measured, by what the device said and when it arrived (P-4.4, P-4.5), and which columns a frame reserves. Owns nothing.
 */
import type { SessionEvent } from '../../store/batch.ts';
import type { Position } from '../../store/position.ts';
import {
  type BatchFrame,
  type Boot,
  type DataFrame,
  type EventFrame,
  FRAME,
  type HelloFrame,
  type ReportedFrame,
  type ResultFrame,
  type TelemetryFrame,
} from '../../wire/frames.ts';
import type { ClockState, Device, SequenceProgress } from '../fleet/device.ts';
import type { DeviceEvent } from '../fleet/events.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Columns, MetricTable, StateLimits, StateRefusal } from '../fleet/metrics.ts';
import { MOST_AHEAD } from '../fleet/state-cost.ts';

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

/**
 * The arrival from which a sample is dated that says no time of its own: not before the device's newest data, for a clock that
 * was set back must not make newer data look older (P-4.6). `newest`: of that data. If it lies so far ahead that it cannot be
 * right, the clock was wrong then, and the arrival counts.
 */
export function steadyArrival(arrival: number, newest: number): number {
  return newest > arrival && newest <= arrival + MOST_AHEAD ? newest : arrival;
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
  device: Device,
  frame: DataFrame,
  arrival: number,
  limits: StateLimits,
): FrameColumns | StateRefusal {
  const { metrics, acceptedArrival } = device;
  const steady = steadyArrival(arrival, acceptedArrival);
  device.acceptedArrival = steady;
  if (frame.kind === FRAME.event) return NO_COLUMNS;
  const columns =
    frame.kind === FRAME.telemetry
      ? reserveTelemetry(metrics, frame, arrival, steady, limits)
      : reserveBatch(metrics, frame, arrival, steady, limits);
  if (typeof columns === 'string') device.acceptedArrival = acceptedArrival;
  return columns;
}

function reserveTelemetry(
  metrics: MetricTable,
  frame: TelemetryFrame,
  arrival: number,
  steady: number,
  limits: StateLimits,
): Columns | StateRefusal {
  const at = kept(absoluteTime(frame.time, steady), arrival, steady);
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
  steady: number,
  limits: StateLimits,
): readonly Columns[] | StateRefusal {
  const start = batchStart(frame, steady);
  metrics.begin(arrival);
  const all: Columns[] = [];
  let refusal: StateRefusal | null = null;
  for (const sample of frame.samples) {
    const columns = metrics.reserve(sample, kept(start + sample.dt, arrival, steady), limits);
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

/** Whose entries of the log they are: a session, or what the log says of one of an earlier life. */
export interface FrameSource {
  readonly device: Device;
  readonly session: string;
  readonly boot: Boot | null;
  readonly progress: SequenceProgress;
  /** Every frame of this source up to `seq` is durable. */
  durable(seq: number): void;
  /** Its hello is durable and holds. */
  introduced(): void;
}

/** A frame with data, with what was found out about it when it was accepted or read. */
export interface DataEntry {
  readonly kind: 'data';
  readonly source: FrameSource;
  readonly frame: DataFrame;
  /** Unix ms. */
  readonly arrival: number;
  /** From `reserveState`. */
  readonly columns: FrameColumns;
  /** From `judgeFrame`. */
  readonly clock: ClockState | null;
}

export interface HelloEntry {
  readonly kind: 'hello';
  readonly source: FrameSource;
  readonly frame: HelloFrame;
}

/** Frames that are stored like data and change no last-known state (P-5, P-6). */
export type ControlFrame = ResultFrame | ReportedFrame;

export interface ControlEntry {
  readonly kind: 'control';
  readonly source: FrameSource;
  readonly frame: ControlFrame;
  /** Unix ms. */
  readonly arrival: number;
}

/** What became of a session. */
export interface SessionChange {
  readonly kind: 'session';
  readonly source: FrameSource;
  /** Unix ms. */
  readonly at: number;
  readonly event: SessionEvent;
}

/** An entry of the log, decoded. */
export type LogEntry = DataEntry | HelloEntry | ControlEntry | SessionChange;

/**
 * Applies one frame of the record that ends at log position `end`; returns the event that it carried, if it was one. A frame
 * that is not above what is durable of its boot changes nothing, whoever sent it (P-4.3): sessions refuse those beforehand,
 * and the log may hold them all the same, of another broker or of an earlier life.
 */
export function applyFrame(
  fleet: Fleet,
  { source, frame, columns, arrival, clock }: DataEntry,
  end: Position,
): DeviceEvent | null {
  const { device, progress } = source;
  const { seq } = frame;
  if (seq !== null && seq > progress.durable) progress.durable = seq;
  else if (seq !== null && source.boot !== null) return null;
  const rev = fleet.touch(device);
  device.appliedTo = end;
  device.lastDataAt = arrival;
  device.newestArrival = steadyArrival(arrival, device.newestArrival);
  if (clock) device.clock = clock;
  if (frame.kind === FRAME.telemetry) applyTelemetry(device, frame, columns as Columns, arrival, rev);
  else if (frame.kind === FRAME.batch) applyBatch(device, frame, columns as readonly Columns[], arrival, rev);
  else return eventOf(frame, arrival, rev);
  return null;
}

/** P-3.2: from here on the device is in this run, and is what it says. */
export function applyHello(fleet: Fleet, { source, frame }: HelloEntry, end: Position): void {
  const { device, boot, progress } = source;
  if (boot !== null) device.boots.enter(boot, progress);
  const { model, firmware, meta } = device.description;
  device.description = {
    model: frame.model ?? model,
    firmware: frame.firmware ?? firmware,
    meta: frame.meta ?? meta,
    // Not of an earlier hello: another firmware may have another buffer.
    maxFrame: frame.maxFrame,
  };
  fleet.touch(device);
  device.appliedTo = end;
}

/** The device has connected, or is gone. That it is ready is for the history of its connections. */
export function applySession(fleet: Fleet, { source, at, event }: SessionChange, end: Position): void {
  const { device, session } = source;
  if (event.type === 'ready') return;
  const wasTold = device.loggedPresence !== null;
  device.loggedPresence = null;
  const isNews =
    event.type === 'opened'
      ? fleet.opened(device, session, at)
      : fleet.ended(device, session, at, event.reason, event.sleep);
  // The row still holds the connection that everybody was told the end of.
  if (wasTold) fleet.touch(device);
  // What changed nothing need not be saved.
  if (isNews || wasTold) device.appliedTo = end;
}

/** The device is gone, and that cannot be committed for a while: everybody is told now, and its row waits for the record. */
export function tellEnd(fleet: Fleet, change: SessionChange): void {
  const { device } = change.source;
  const { presence, loggedPresence } = device;
  applySession(fleet, change, device.appliedTo);
  device.loggedPresence = device.presence === presence ? loggedPresence : presence;
}

function applyTelemetry(
  device: Device,
  frame: TelemetryFrame,
  columns: Columns,
  arrival: number,
  rev: number,
): void {
  const { metrics, newestArrival } = device;
  const at = kept(absoluteTime(frame.time, newestArrival), arrival, newestArrival);
  metrics.merge(columns, frame, at, arrival, rev);
}

function applyBatch(
  device: Device,
  frame: BatchFrame,
  columns: readonly Columns[],
  arrival: number,
  rev: number,
): void {
  const { metrics, newestArrival } = device;
  const start = batchStart(frame, newestArrival);
  frame.samples.forEach((sample, index) => {
    const at = kept(start + sample.dt, arrival, newestArrival);
    metrics.merge(columns[index] as Columns, sample, at, arrival, rev);
  });
}

function eventOf(frame: EventFrame, arrival: number, rev: number): DeviceEvent {
  const time = kept(absoluteTime(frame.time, arrival), arrival, arrival);
  return { time, receivedAt: arrival, severity: frame.severity, name: frame.name, data: frame.data, rev };
}

/** P-4.5: a time that cannot be right gives way to the arrival. */
function kept(at: number, arrival: number, steady: number): number {
  return judgeTime(at, arrival) === 'ok' ? at : steady;
}
