/**
 * What devices should be: the log applied from its very beginning, by rules written down once more and as simply as can
 * be (P-2.4, P-3.2, P-4.3, P-4.4, P-4.6). Knows no checkpoint, and no member of this moment.
 */
import type { Device, Presence } from '../../broker/hub/fleet/device.ts';
import type { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { type BatchEntry, readBatch, type SessionEvent } from '../../broker/store/batch.ts';
import type { MemoryLog } from '../../broker/store/memory/log.ts';
import { type Position, positionOf, START } from '../../broker/store/position.ts';
import { type BatchFrame, FRAME, type TelemetryFrame, type Value } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';

/** Of a presence what does not number it. */
export type Told = Omit<Presence, 'rev'>;

/** What can be compared of each device. */
export interface DeviceSummary {
  readonly values: Record<string, unknown>;
  readonly boots: Record<string, number>;
  readonly presence: Told;
  readonly description: Device['description'];
  readonly lastDataAt: number;
}

export type Summary = Record<string, DeviceSummary>;

export interface Model {
  readonly summary: Summary;
  /** Every presence that each device ever had since it is known, in log order. */
  readonly presences: Record<string, readonly Told[]>;
}

class Known {
  readonly values = new Map<string, { value: Value; at: number; receivedAt: number }>();
  readonly boots = new Map<string, number>();
  readonly presences: Told[] = [{ state: 'offline', session: null, since: 0, reason: null, asleep: null }];
  description: Device['description'] = { model: null, firmware: null, meta: null, maxFrame: null };
  lastDataAt = 0;
  newest = 0;

  get presence(): Told {
    return this.presences.at(-1) as Told;
  }
}

/** `forgotten`: of each device the log position up to which nothing of it is known any more. */
export async function modelOf(log: MemoryLog, forgotten: ReadonlyMap<string, Position>): Promise<Model> {
  const devices = new Map<string, Known>();
  for await (const record of log.read(positionOf(0))) {
    for (const entry of readBatch(record)) {
      const { device } = entry.source;
      if (record.position < (forgotten.get(device) ?? START)) continue;
      const isLate = entry.kind === 'session' && entry.event.type !== 'opened';
      const known = devices.get(device) ?? (isLate ? null : new Known());
      if (!known) continue;
      devices.set(device, known);
      apply(known, entry);
    }
  }
  const all = [...devices];
  return {
    summary: Object.fromEntries(all.map(([name, known]) => [name, summaryOfModel(known)])),
    presences: Object.fromEntries(all.map(([name, { presences }]) => [name, presences])),
  };
}

function summaryOfModel({ values, boots, presence, description, lastDataAt }: Known): DeviceSummary {
  return {
    values: Object.fromEntries(values),
    boots: Object.fromEntries(boots),
    presence,
    description,
    lastDataAt,
  };
}

function apply(known: Known, entry: BatchEntry): void {
  if (entry.kind === 'session') {
    applySession(known, entry.source.session, entry.event, entry.at);
    return;
  }
  const frame = new FrameReader().read(entry.frame);
  if (frame.kind === FRAME.hello) {
    const { model, firmware, meta, maxFrame } = frame;
    const { description } = known;
    known.description = {
      model: model ?? description.model,
      firmware: firmware ?? description.firmware,
      meta: meta ?? description.meta,
      maxFrame,
    };
    return;
  }
  if (frame.kind === FRAME.result || frame.kind === FRAME.reported) return;
  const { boot } = entry.source;
  if (frame.seq !== null && boot !== null) {
    if (frame.seq <= (known.boots.get(boot) ?? 0)) return;
    known.boots.set(boot, frame.seq);
  }
  known.lastDataAt = entry.arrival;
  // No clock of these tests steps by ten minutes.
  known.newest = Math.max(known.newest, entry.arrival);
  if (frame.kind !== FRAME.event) applySamples(known, frame, entry.arrival);
}

function applySession(known: Known, session: string, event: SessionEvent, at: number): void {
  if (event.type === 'opened') {
    known.presences.push({ state: 'online', session, since: at, reason: null, asleep: null });
  } else if (event.type === 'ended') {
    const { presence } = known;
    if (presence.state === 'offline' || presence.session !== session) return;
    const { reason, sleep } = event;
    known.presences.push({ state: 'offline', session, since: at, reason, asleep: sleep });
  }
}

function applySamples({ values, newest }: Known, frame: TelemetryFrame | BatchFrame, arrival: number): void {
  const samples = frame.kind === FRAME.telemetry ? [{ ...frame, dt: 0 }] : frame.samples;
  const last = Math.max(0, ...samples.map(({ dt }) => dt));
  const base = frame.time ?? (frame.kind === FRAME.telemetry ? newest : newest - last);
  for (const sample of samples) {
    const at = base + sample.dt;
    sample.values.forEach((value, index) => {
      const name = sample.names[index] as string;
      if (value !== null && at >= (values.get(name)?.at ?? 0))
        values.set(name, { value, at, receivedAt: arrival });
    });
  }
}

/** The same of a fleet. */
export function summaryOf(fleet: Fleet): Summary {
  return Object.fromEntries([...fleet.devices('*')].map((device) => [device.id, summaryOfDevice(device)]));
}

function summaryOfDevice(device: Device): DeviceSummary {
  const { metrics, boots, presence, description, lastDataAt } = device;
  const values = [...metrics.changedSince(0)].map(
    ({ name, value, at, receivedAt }) => [name, { value, at, receivedAt }] as const,
  );
  const durable = [...boots.entries()].flatMap(([boot, progress]) =>
    progress.durable > 0 ? [[boot, progress.durable] as const] : [],
  );
  return {
    values: Object.fromEntries(values),
    boots: Object.fromEntries(durable),
    presence: toldOf(presence),
    description,
    lastDataAt,
  };
}

export function toldOf({ rev: _, ...told }: Presence): Told {
  return told;
}
