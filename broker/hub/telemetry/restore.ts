/**
 * Brings the fleet back at start: the checkpoint's rows, then everything that the log holds beyond them. Nothing
 * acknowledged is missing, and nothing counts twice: a row says up to where it holds the log (store/ports.ts).
 */
import { readBatch, type Source } from '../../store/batch.ts';
import type { LogBounds, LogRecord, StateStore, TelemetryLog } from '../../store/ports.ts';
import { type DataFrame, FRAME, type ReportedFrame, type ResultFrame } from '../../wire/frames.ts';
import { FrameReader } from '../../wire/reader.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { applyFrame, judgeFrame, NO_LIMITS, reserveState } from './apply.ts';
import { readDevice } from './device-record.ts';

export interface Restored {
  readonly devices: number;
  readonly replayedFrames: number;
  /** State holds everything before it. */
  readonly position: number;
}

/** A result or a reported frame of the log: whoever keeps commands or documents knows whether it holds it already. */
export interface ReplayedControl {
  readonly customer: string;
  readonly device: string;
  readonly session: string;
  readonly frame: ResultFrame | ReportedFrame;
  readonly arrival: number;
  /** Of the record that holds it. */
  readonly position: number;
}

export interface RestoreParts {
  readonly fleet: Fleet;
  readonly state: StateStore;
  readonly log: Pick<TelemetryLog, 'read' | 'hold'>;
  readonly bounds: LogBounds;
  /** Called in the order of arrival. */
  readonly onControl: (control: ReplayedControl) => void;
}

/** Rejects with the store's error on a record that is not whole; the broker must not start then. */
export async function restoreFleet(parts: RestoreParts): Promise<Restored> {
  const { fleet, state, log, bounds } = parts;
  const held = await readRows(fleet, state);
  const from = Math.max(bounds.first, await state.checkpointPosition());
  // However long this takes, retention must not take away what is being replayed.
  log.hold('state', from);
  let replayedFrames = 0;
  for await (const record of log.read(from)) replayedFrames += replay(parts, record, held);
  return { devices: fleet.total, replayedFrames, position: bounds.end };
}

/** Up to where a device's row holds the log, by its name. */
interface Held {
  readonly position: number;
  readonly isForgotten: boolean;
}

async function readRows(fleet: Fleet, state: StateStore): Promise<ReadonlyMap<string, Held>> {
  const held = new Map<string, Held>();
  for await (const rows of state.loadDevices()) {
    for (const row of rows) {
      readDevice(fleet, row);
      const { customer, device, position, body } = row;
      held.set(`${customer}/${device}`, { position, isForgotten: body === null });
    }
  }
  return held;
}

/** Applies what the rows do not hold yet; returns the number of frames. */
function replay(
  { fleet, onControl }: RestoreParts,
  record: LogRecord,
  held: ReadonlyMap<string, Held>,
): number {
  const readers = new Map<Source, FrameReader>();
  let frames = 0;
  for (const { source, arrival, frame: bytes } of readBatch(record.payload)) {
    const { position = 0, isForgotten = false } = held.get(`${source.customer}/${source.device}`) ?? {};
    const isHeld = record.position < position;
    // Of a device that was forgotten nothing comes back; otherwise control frames have rows of their own.
    if (isHeld && isForgotten) continue;
    const reader = readers.get(source) ?? new FrameReader(0);
    reader.fields = source.fields;
    readers.set(source, reader);
    const frame = reader.read(bytes);
    if (frame.kind === FRAME.result || frame.kind === FRAME.reported) {
      const { customer, device, session } = source;
      onControl({ customer, device, session, frame, arrival, position: record.position });
    } else if (isHeld) continue;
    else if (frame.kind !== FRAME.hello) replayFrame(fleet, { source, arrival }, frame, record.end);
    frames += 1;
  }
  return frames;
}

function replayFrame(
  fleet: Fleet,
  { source, arrival }: { readonly source: Source; readonly arrival: number },
  frame: DataFrame,
  end: number,
): void {
  const device = fleet.obtain(source.customer, source.device);
  // What was accepted once is not refused now, whatever the limits are.
  const columns = reserveState(device, frame, arrival, NO_LIMITS);
  if (typeof columns !== 'string')
    applyFrame(fleet, device, { frame, columns, arrival, clock: judgeFrame(frame, arrival) }, end);
  if (source.boot === null || frame.seq === null) return;
  const progress = device.boots.enter(source.boot);
  progress.durable = Math.max(progress.durable, frame.seq);
  progress.accepted = progress.durable;
}
