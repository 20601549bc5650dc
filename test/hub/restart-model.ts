/**
 * What devices should be: the log applied from its very beginning, by rules written down once more and as simply as can
 * be (P-2.4, P-4.3, P-4.6). Knows no checkpoint.
 */
import type { Device } from '../../broker/hub/fleet/device.ts';
import type { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { readBatch } from '../../broker/store/batch.ts';
import type { MemoryLog } from '../../broker/store/memory/log.ts';
import { type Position, positionOf, START } from '../../broker/store/position.ts';
import { type DataFrame, FRAME, type Value } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';

/** What can be compared: of each device its values with their times, and how far each boot has come. */
export type Summary = Record<string, { values: Record<string, unknown>; boots: Record<string, number> }>;

interface Known {
  readonly values: Map<string, { value: Value; at: number; receivedAt: number }>;
  readonly boots: Map<string, number>;
}

/** `forgotten`: of each device the log position up to which nothing of it is known any more. */
export async function modelOf(log: MemoryLog, forgotten: ReadonlyMap<string, Position>): Promise<Summary> {
  const devices = new Map<string, Known>();
  for await (const record of log.read(positionOf(0))) {
    for (const entry of readBatch(record)) {
      if (entry.kind !== 'frame') continue;
      const { source, arrival, frame } = entry;
      if (record.position < (forgotten.get(source.device) ?? START)) continue;
      const known = devices.get(source.device) ?? { values: new Map(), boots: new Map() };
      devices.set(source.device, known);
      apply(known, new FrameReader().read(frame) as DataFrame, arrival);
      const { seq } = new FrameReader().read(frame) as DataFrame;
      if (seq === null || source.boot === null) continue;
      known.boots.set(source.boot, Math.max(seq, known.boots.get(source.boot) ?? 0));
    }
  }
  return Object.fromEntries(
    [...devices].map(([name, { values, boots }]) => [
      name,
      { values: Object.fromEntries(values), boots: Object.fromEntries(boots) },
    ]),
  );
}

function apply({ values }: Known, frame: DataFrame, arrival: number): void {
  if (frame.kind === FRAME.event) return;
  const samples = frame.kind === FRAME.telemetry ? [{ ...frame, dt: 0 }] : frame.samples;
  const last = Math.max(0, ...samples.map(({ dt }) => dt));
  const base = frame.time ?? (frame.kind === FRAME.telemetry ? arrival : arrival - last);
  for (const sample of samples) {
    const at = base + sample.dt;
    sample.values.forEach((value, index) => {
      const name = sample.names[index] as string;
      if (value !== null && at >= (values.get(name)?.at ?? 0))
        values.set(name, { value, at, receivedAt: arrival });
    });
  }
}

/** The same of a fleet; devices that never sent anything are left out. */
export function summaryOf(fleet: Fleet): Summary {
  const sent = [...fleet.devices('*')].filter(({ lastDataAt }) => lastDataAt > 0);
  return Object.fromEntries(sent.map((device) => [device.id, summaryOfDevice(device)]));
}

function summaryOfDevice({ metrics, boots }: Device): Summary[string] {
  const values = [...metrics.changedSince(0)].map(
    ({ name, value, at, receivedAt }) => [name, { value, at, receivedAt }] as const,
  );
  const durable = [...boots.entries()].flatMap(([boot, progress]) =>
    progress.durable > 0 ? [[boot, progress.durable] as const] : [],
  );
  return { values: Object.fromEntries(values), boots: Object.fromEntries(durable) };
}
