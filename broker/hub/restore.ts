/**
 * Brings the fleet back at start: the checkpoint's rows, then everything that the log holds beyond them. Nothing
 * acknowledged is missing, and nothing counts twice: a row says up to where it holds the log (store/ports.ts).
 */
import { readBatch, type Source } from '../store/batch.ts';
import type { LogBounds, LogRecord, StateStore, TelemetryLog } from '../store/ports.ts';
import { FRAME } from '../wire/frames.ts';
import { FrameReader } from '../wire/reader.ts';
import { applyFrame, judgeFrame, reserveColumns } from './apply.ts';
import { readDevice } from './device-record.ts';
import type { Fleet } from './fleet.ts';

export interface Restored {
  readonly devices: number;
  readonly replayedFrames: number;
  /** State holds everything before it. */
  readonly position: number;
}

/** Rejects with the store's error on a record that is not whole; the broker must not start then. */
export async function restoreFleet(
  fleet: Fleet,
  state: StateStore,
  log: Pick<TelemetryLog, 'read' | 'hold'>,
  bounds: LogBounds,
): Promise<Restored> {
  const heldTo = new Map<string, number>();
  for await (const rows of state.loadDevices()) {
    for (const row of rows) {
      readDevice(fleet, row);
      heldTo.set(`${row.customer}/${row.device}`, row.position);
    }
  }
  const from = Math.max(bounds.first, await state.checkpointPosition());
  // However long this takes, retention must not take away what is being replayed.
  log.hold('state', from);
  let replayedFrames = 0;
  for await (const record of log.read(from)) replayedFrames += replay(fleet, record, heldTo);
  return { devices: fleet.total, replayedFrames, position: bounds.end };
}

/** Applies what the rows do not hold yet; returns the number of frames. */
function replay(fleet: Fleet, record: LogRecord, heldTo: ReadonlyMap<string, number>): number {
  const readers = new Map<Source, FrameReader>();
  let frames = 0;
  for (const { source, arrival, frame: bytes } of readBatch(record.payload)) {
    if (record.position < (heldTo.get(`${source.customer}/${source.device}`) ?? 0)) continue;
    const reader = readers.get(source) ?? new FrameReader();
    reader.fields = source.fields;
    readers.set(source, reader);
    replayFrame(fleet, source, reader, bytes, arrival);
    frames += 1;
  }
  return frames;
}

function replayFrame(
  fleet: Fleet,
  source: Source,
  reader: FrameReader,
  bytes: Uint8Array,
  arrival: number,
): void {
  const frame = reader.read(bytes);
  // Only these three are ever appended (session/handlers.ts).
  if (frame.kind !== FRAME.telemetry && frame.kind !== FRAME.batch && frame.kind !== FRAME.event) return;
  const device = fleet.obtain(source.customer, source.device);
  const columns = reserveColumns(device, frame, Number.POSITIVE_INFINITY);
  if (columns) applyFrame(fleet, device, { frame, columns, arrival, clock: judgeFrame(frame, arrival) });
  if (source.boot === null || frame.seq === null) return;
  const progress = device.boots.enter(source.boot);
  progress.durable = Math.max(progress.durable, frame.seq);
  progress.accepted = progress.durable;
}
