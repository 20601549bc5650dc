/** A device as a row of the checkpoint: CBOR of what a restart must know again. Pure. */
import type { DeviceRow } from '../../store/ports.ts';
import type { Position } from '../../store/position.ts';
import { decode, encode } from '../../wire/cbor.ts';
import type { Boot, Value, ValueMap } from '../../wire/frames.ts';
import type { ClockState, Device, Sleep } from '../fleet/device.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ColumnEntry } from '../fleet/metrics.ts';
import { restoreParts, takeParts } from './state-parts.ts';

/** Raise it when the meaning of a member changes; `readDevice` refuses what it does not know. */
const VERSION = 2;
/** All metrics were in the row. */
const WITHOUT_PARTS = 1;

/** Of version 1. */
type WholeEntry = readonly [string, Value, number, number];

interface DeviceRecord {
  readonly version: number;
  /** How many metrics there are; absent in version 1. */
  readonly size?: number;
  /** The first of them. */
  readonly metrics: readonly ColumnEntry[];
  /** [boot, durable seq], oldest first. */
  readonly boots: readonly (readonly [Boot, number])[];
  readonly clock: ClockState;
  readonly model: string | null;
  readonly firmware: string | null;
  readonly meta: ValueMap | null;
  /** Absent in rows of before it was known. */
  readonly maxFrame?: number | null;
  readonly lastDataAt: number;
  /** Absent if it is `lastDataAt`, as it is unless the broker's clock was set back. */
  readonly newestArrival?: number;
  readonly seenAt: number;
  readonly since: number;
  readonly session: string | null;
  readonly reason: string | null;
  /** Absent in rows of before devices could say so. */
  readonly asleep?: Sleep | null;
}

/**
 * `position`: everything before it is in the device. What changed of its state since the last time counts as saved from
 * now on; if it cannot be saved, all of it must be marked again (`MetricTable.markUnsaved`).
 */
export function writeDevice(device: Device, position: Position): DeviceRow {
  const { presence, description, metrics, lastDataAt, newestArrival } = device;
  const { first, parts } = takeParts(metrics);
  const record: DeviceRecord = {
    version: VERSION,
    size: metrics.size,
    metrics: first,
    boots: [...device.boots.entries()].map(([boot, progress]) => [boot, progress.durable] as const),
    clock: device.clock,
    ...description,
    lastDataAt,
    ...(newestArrival !== lastDataAt && { newestArrival }),
    seenAt: device.lastSeenAt,
    since: presence.since,
    session: presence.session,
    reason: presence.reason,
    asleep: presence.asleep,
  };
  return { customer: device.customer, device: device.id, position, body: encode(record), parts };
}

/** Puts a row back into the fleet, as the device was at its position: online, if it was so. */
export function readDevice(fleet: Fleet, row: DeviceRow): void {
  if (!row.body) return;
  const record = decode(row.body) as DeviceRecord;
  if (record.version !== VERSION && record.version !== WITHOUT_PARTS) {
    throw new Error(
      `The stored state of ${row.customer}/${row.device} has version ${record.version}, not ${VERSION}.`,
    );
  }
  const device = fleet.obtain(row.customer, row.device);
  // Not `touch`: what comes from the checkpoint need not be written to it again.
  const rev = fleet.revisions.next();
  device.rev = rev;
  device.savedTo = row.position;
  restoreMetrics(device, record, row);
  for (const [boot, durable] of record.boots)
    Object.assign(device.boots.enter(boot), { accepted: durable, durable });
  device.clock = record.clock;
  const { model, firmware, meta, maxFrame = null } = record;
  device.description = { model, firmware, meta, maxFrame };
  const { lastDataAt, newestArrival = lastDataAt } = record;
  device.lastDataAt = lastDataAt;
  device.acceptedArrival = device.newestArrival = newestArrival;
  const { session, since, reason, asleep = null } = record;
  if (session !== null && reason === null) fleet.opened(device, session, since);
  else device.presence = { state: 'offline', session, since, rev, reason, asleep };
  device.seenAt = record.seenAt;
}

function restoreMetrics({ metrics, rev }: Device, record: DeviceRecord, row: DeviceRow): void {
  const { size, metrics: first } = record;
  if (size === undefined) {
    // As a whole, in parts when the device is saved next.
    for (const [name, value, at, receivedAt] of first as readonly WholeEntry[])
      metrics.restore({ name, value, at, receivedAt }, rev, false);
    return;
  }
  try {
    restoreParts(metrics, { size, first, parts: row.parts ?? [] }, rev);
  } catch (error) {
    const what = `The stored state of ${row.customer}/${row.device} cannot be read`;
    throw new Error(`${what}: ${(error as Error).message}.`, { cause: error });
  }
}
