/**
 * Brings the fleet back at start: reads the checkpoint's rows, then applies what the log holds beyond them, then ends the
 * connections that ended with the last life. Nothing that anybody was told is missing, and nothing counts twice: a row
 * says up to where it holds the log (store/ports.ts).
 */
import type { Clock } from '../../base/clock.ts';
import { type Source, SourceHandle } from '../../store/batch.ts';
import type { LogBounds, LogRecord, StateStore, TelemetryLog } from '../../store/ports.ts';
import { later, type Position, START } from '../../store/position.ts';
import { everyPage } from '../../store/subject.ts';
import { FRAME } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';
import type { Fleet } from '../fleet/fleet.ts';
import {
  type FrameSource,
  judgeFrame,
  type LogEntry,
  NO_LIMITS,
  reserveState,
  type SessionChange,
} from './apply.ts';
import { readDevice } from './device-record.ts';
import type { Ingest, LiveSource } from './ingest.ts';
import { type LogFrame, LogFrames, type LogItem, type LogSession } from './log-frames.ts';

export interface Restored {
  readonly devices: number;
  readonly replayedFrames: number;
}

export interface RestoreParts {
  readonly fleet: Fleet;
  readonly state: StateStore;
  readonly log: Pick<TelemetryLog, 'hold'>;
  readonly bounds: LogBounds;
  readonly ingest: Pick<Ingest, 'follow' | 'acceptSession' | 'flushed'>;
  readonly clock: Clock;
}

/** Rejects with the store's error on a record that is not whole; the broker must not start then. */
export async function restoreFleet(parts: RestoreParts): Promise<Restored> {
  const { fleet, state, log, bounds, ingest } = parts;
  const held = await readRows(fleet, state);
  const from = later(bounds.first, await state.checkpointPosition());
  // However long this takes, retention must not take away what is being replayed.
  log.hold('state', from);
  const replay = new Replay(fleet, held);
  await ingest.follow(from, (record) => replay.entriesOf(record));
  await endLost(parts);
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

/** Reads records that are not this run's own. Owns what the rows hold already, and counts frames. */
class Replay {
  frames = 0;
  private readonly fleet: Fleet;
  private readonly held: ReadonlyMap<string, Held>;
  private readonly logFrames = new LogFrames();

  constructor(fleet: Fleet, held: ReadonlyMap<string, Held>) {
    this.fleet = fleet;
    this.held = held;
  }

  /** What the rows do not hold yet. */
  entriesOf(record: LogRecord): LogEntry[] {
    const sources = new Map<Source, FrameSource>();
    const entries: LogEntry[] = [];
    for (const item of this.logFrames.read(record)) {
      const { source } = item;
      const { position = START, isForgotten = false } =
        this.held.get(`${source.customer}/${source.device}`) ?? {};
      const isHeld = record.position < position;
      // Of a device that was forgotten nothing comes back; otherwise control frames have rows of their own.
      if (isHeld && (isForgotten || item.kind === 'session')) continue;
      if (item.kind === 'unreadable') throw item.error;
      // The end of a connection may come after its device was forgotten.
      if (item.kind === 'session' && item.event.type !== 'opened' && !this.isKnown(source)) continue;
      const replayed = sources.get(source) ?? this.sourceOf(source, item.kind, isHeld);
      sources.set(source, replayed);
      const entry = item.kind === 'session' ? sessionChange(replayed, item) : frameEntry(replayed, item);
      if (isHeld && entry.kind !== 'control') continue;
      if (entry.kind !== 'session') this.frames += 1;
      entries.push(entry);
    }
    return entries;
  }

  private isKnown({ customer, device }: Source): boolean {
    return this.fleet.find(customer, device) !== null;
  }

  private sourceOf(
    { customer, device: id, session, boot }: Source,
    kind: LogItem['kind'],
    isHeld: boolean,
  ): FrameSource {
    const device = this.fleet.obtain(customer, id);
    const known = boot === null || isHeld ? null : device.boots.of(boot);
    // A hello makes its boot the most recent one when it is applied. Logs of before hold frames without one; the end of a
    // connection brings no boot back.
    const isNew = boot !== null && !isHeld && !known && kind === 'frame';
    const progress = known ?? (isNew ? device.boots.enter(boot) : { accepted: 0, durable: -1 });
    return { device, session, boot, progress, durable: accepted, introduced: () => {} };
  }
}

/** What is durable was accepted. */
function accepted(this: FrameSource, seq: number): void {
  this.progress.accepted = seq;
}

function sessionChange(source: FrameSource, { arrival: at, event }: LogSession): SessionChange {
  return { kind: 'session', source, at, event };
}

function frameEntry(source: FrameSource, { arrival, frame }: LogFrame): LogEntry {
  if (frame.kind === FRAME.hello) return { kind: 'hello', source, frame };
  if (frame.kind === FRAME.result || frame.kind === FRAME.reported)
    return { kind: 'control', source, frame, arrival };
  // What was accepted once is not refused now, whatever the limits are.
  const columns = reserveState(source.device, frame, arrival, NO_LIMITS);
  if (typeof columns === 'string')
    throw new Error(`${source.device.name} cannot hold a frame of the log: ${columns}`);
  return { kind: 'data', source, frame, arrival, columns, clock: judgeFrame(frame, arrival) };
}

/**
 * Who was connected when the broker ended is not so any more. That is put down in the log like any other end, so that it stays
 * the same after the next restart; dated by the last thing that is known of that life. Resolves when it is committed.
 */
async function endLost({ fleet, ingest, clock }: RestoreParts): Promise<void> {
  let last = 0;
  const lost: Device[] = [];
  for (const device of fleet.devices('*')) {
    last = Math.max(last, device.lastDataAt, device.presence.since);
    if (device.online) lost.push(device);
  }
  const at = Math.min(last, clock.now());
  for (const device of lost) {
    ingest.acceptSession(lostSource(device), { type: 'ended', reason: 'broker-restarted', sleep: null }, at);
  }
  await ingest.flushed();
}

function lostSource(device: Device): LiveSource {
  const { customer, id, presence } = device;
  const session = presence.session ?? '';
  const source = new SourceHandle({ customer, device: id, session, boot: null, fields: null });
  return {
    device,
    session,
    boot: null,
    progress: { accepted: 0, durable: 0 },
    source,
    durable: () => {},
    introduced: () => {},
  };
}
