/** A device as a row of the checkpoint: CBOR of what a restart must know again. Pure. */
import type { DeviceRow } from '../store/ports.ts';
import { decode, encode } from '../wire/cbor.ts';
import type { Boot, Value, ValueMap } from '../wire/frames.ts';
import type { ClockState, Device, Sleep } from './device.ts';
import type { Fleet } from './fleet.ts';

/** Raise it when the meaning of a member changes; `readDevice` refuses what it does not know. */
const VERSION = 1;

interface DeviceRecord {
  readonly version: number;
  /** [name, value, measured at, received at] */
  readonly metrics: readonly (readonly [string, Value, number, number])[];
  /** [boot, durable seq], oldest first. */
  readonly boots: readonly (readonly [Boot, number])[];
  readonly clock: ClockState;
  readonly model: string | null;
  readonly firmware: string | null;
  readonly meta: ValueMap | null;
  /** Absent in rows of before it was known. */
  readonly maxFrame?: number | null;
  readonly lastDataAt: number;
  readonly seenAt: number;
  readonly since: number;
  readonly session: string | null;
  readonly reason: string | null;
  /** Absent in rows of before devices could say so. */
  readonly asleep?: Sleep | null;
}

/** `position`: everything before it is in the device. */
export function writeDevice(device: Device, position: number): DeviceRow {
  const { presence, description } = device;
  const record: DeviceRecord = {
    version: VERSION,
    metrics: [...device.metrics.changedSince(0)].map((m) => [m.name, m.value, m.at, m.receivedAt] as const),
    boots: [...device.boots.entries()].map(([boot, progress]) => [boot, progress.durable] as const),
    clock: device.clock,
    ...description,
    lastDataAt: device.lastDataAt,
    seenAt: device.lastSeenAt,
    since: presence.since,
    session: presence.session,
    reason: presence.reason,
    asleep: presence.asleep,
  };
  return { customer: device.customer, device: device.id, position, body: encode(record) };
}

/** Puts a row back into the fleet, offline. A device that was online when the broker ended has lost it. */
export function readDevice(fleet: Fleet, row: DeviceRow): void {
  if (!row.body) return;
  const record = decode(row.body) as DeviceRecord;
  if (record.version !== VERSION) {
    throw new Error(
      `The stored state of ${row.customer}/${row.device} has version ${record.version}, not ${VERSION}.`,
    );
  }
  const device = fleet.obtain(row.customer, row.device);
  // Not `touch`: what comes from the checkpoint need not be written to it again.
  const rev = fleet.revisions.next();
  device.rev = rev;
  device.savedTo = row.position;
  for (const [name, value, at, receivedAt] of record.metrics) {
    device.metrics.restore({ name, value, at, receivedAt }, rev, false);
  }
  for (const [boot, durable] of record.boots)
    Object.assign(device.boots.enter(boot), { accepted: durable, durable });
  device.clock = record.clock;
  const { model, firmware, meta, maxFrame = null } = record;
  device.description = { model, firmware, meta, maxFrame };
  device.lastDataAt = record.lastDataAt;
  device.seenAt = record.seenAt;
  const { asleep = null } = record;
  const reason = record.session === null ? null : (record.reason ?? 'broker-restarted');
  device.presence = { state: 'offline', session: record.session, since: record.since, rev, reason, asleep };
}
