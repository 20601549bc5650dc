/**
 * Brings the fleet back at start: the checkpoint's rows, then everything that the log holds beyond them. Nothing
 * acknowledged is missing, and nothing counts twice: a row says up to where it holds the log (store/ports.ts).
 */
import { readBatch, type Source } from '../../store/batch.ts';
import type { LogBounds, LogRecord, StateStore, TelemetryLog } from '../../store/ports.ts';
import { later, type Position, START } from '../../store/position.ts';
import { everyPage } from '../../store/subject.ts';
import { type DataFrame, type DeviceFrame, FRAME } from '../../wire/frames.ts';
import { FrameReader } from '../../wire/reader.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { type FrameSource, judgeFrame, type LogEntry, NO_COLUMNS, NO_LIMITS, reserveState } from './apply.ts';
import { readDevice } from './device-record.ts';
import type { Ingest } from './ingest.ts';

export interface Restored {
  readonly devices: number;
  readonly replayedFrames: number;
}

export interface RestoreParts {
  readonly fleet: Fleet;
  readonly state: StateStore;
  readonly log: Pick<TelemetryLog, 'hold'>;
  readonly bounds: LogBounds;
  readonly ingest: Pick<Ingest, 'follow'>;
}

/** Rejects with the store's error on a record that is not whole; the broker must not start then. */
export async function restoreFleet({ fleet, state, log, bounds, ingest }: RestoreParts): Promise<Restored> {
  const held = await readRows(fleet, state);
  const from = later(bounds.first, await state.checkpointPosition());
  // However long this takes, retention must not take away what is being replayed.
  log.hold('state', from);
  const replay = new Replay(fleet, held);
  await ingest.follow(from, (record) => replay.entriesOf(record));
  return { devices: fleet.total, replayedFrames: replay.frames };
}

/** Up to where a device's row holds the log, by its name. */
interface Held {
  readonly position: Position;
  readonly isForgotten: boolean;
}

async function readRows(fleet: Fleet, state: StateStore): Promise<ReadonlyMap<string, Held>> {
  const held = new Map<string, Held>();
  for await (const rows of everyPage(state.loadDevices)) {
    for (const row of rows) {
      readDevice(fleet, row);
      const { customer, device, position, body } = row;
      held.set(`${customer}/${device}`, { position, isForgotten: body === null });
    }
  }
  return held;
}

/** What one source sends in one record. */
interface ReplayedSource extends FrameSource {
  readonly reader: FrameReader;
}

/** Reads records that are not this run's own. Owns what the rows hold already, and counts frames. */
class Replay {
  frames = 0;
  private readonly fleet: Fleet;
  private readonly held: ReadonlyMap<string, Held>;

  constructor(fleet: Fleet, held: ReadonlyMap<string, Held>) {
    this.fleet = fleet;
    this.held = held;
  }

  /** What the rows do not hold yet. */
  entriesOf(record: LogRecord): LogEntry[] {
    const sources = new Map<Source, ReplayedSource>();
    const entries: LogEntry[] = [];
    for (const entry of readBatch(record)) {
      if (entry.kind === 'session') continue;
      const { source, arrival, frame: bytes } = entry;
      const { position = START, isForgotten = false } =
        this.held.get(`${source.customer}/${source.device}`) ?? {};
      const isHeld = record.position < position;
      // Of a device that was forgotten nothing comes back; otherwise control frames have rows of their own.
      if (isHeld && isForgotten) continue;
      const replayed = sources.get(source) ?? this.sourceOf(source);
      sources.set(source, replayed);
      const frame = replayed.reader.read(bytes);
      if (isHeld && frame.kind !== FRAME.result && frame.kind !== FRAME.reported) continue;
      entries.push(entryOf(replayed, frame, arrival));
    }
    this.frames += entries.length;
    return entries;
  }

  private sourceOf({ customer, device: id, session, boot, fields }: Source): ReplayedSource {
    const device = this.fleet.obtain(customer, id);
    const reader = new FrameReader(0);
    reader.fields = fields;
    const progress = boot === null ? { accepted: 0, durable: -1 } : device.boots.enter(boot);
    return { device, session, boot, progress, reader, durable: accepted };
  }
}

/** What is durable was accepted. */
function accepted(this: FrameSource, seq: number): void {
  this.progress.accepted = seq;
}

function entryOf(source: FrameSource, frame: DeviceFrame, arrival: number): LogEntry {
  if (!isData(frame)) return { source, frame, arrival, columns: NO_COLUMNS, clock: null };
  // What was accepted once is not refused now, whatever the limits are.
  const columns = reserveState(source.device, frame, arrival, NO_LIMITS);
  if (typeof columns === 'string')
    throw new Error(`${source.device.name} cannot hold a frame of the log: ${columns}`);
  return { source, frame, arrival, columns, clock: judgeFrame(frame, arrival) };
}

function isData(frame: DeviceFrame): frame is DataFrame {
  return frame.kind === FRAME.telemetry || frame.kind === FRAME.batch || frame.kind === FRAME.event;
}
