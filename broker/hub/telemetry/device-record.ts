/**
 * Writes and reads a device as a row of the checkpoint: CBOR of what a restart must know again. Last-known state lies in
 * parts, so that a checkpoint writes what changed and not all of it: chunks of columns, the first of them in the row
 * itself, and large values each on its own. A part says nothing by itself: the row, saved in the same transaction, says
 * how many columns there are, and a chunk which of its values lie apart.
 */
import type { DeviceRow, StatePart } from '../../store/ports.ts';
import type { Position } from '../../store/position.ts';
import { decode, encode } from '../../wire/cbor.ts';
import { costOf } from '../../wire/cost.ts';
import type { Boot, Value, ValueMap } from '../../wire/frames.ts';
import type { ClockState, Device, Sleep } from '../fleet/device.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ColumnEntry, MetricTable } from '../fleet/metrics.ts';

/** Columns of a chunk. Most devices have no more metrics, so that they are one row. */
const CHUNK = 16;
/** A value that costs more is a part of its own; so a chunk has at most 8 KiB. */
const LARGE = 512;
const NO_PARTS: readonly StatePart[] = [];

/** What is to be saved of a device's state now: the first chunk, and those parts that changed since the last time. */
function takeParts(metrics: MetricTable): {
  readonly first: readonly ColumnEntry[];
  readonly parts: readonly StatePart[];
} {
  const columns = metrics.takeUnsaved();
  const parts: StatePart[] = [];
  for (const column of columns) takeValue(metrics, column, parts);
  let last = 0;
  for (const column of columns) {
    const chunk = Math.floor(column / CHUNK);
    if (chunk === last) continue;
    last = chunk;
    parts.push({ part: chunk, body: encode(chunkOf(metrics, chunk)) });
  }
  return { first: chunkOf(metrics, 0), parts: parts.length > 0 ? parts : NO_PARTS };
}

/** Puts `size` columns back. Throws if a part is missing: the row says that it is there. */
function restoreParts(
  metrics: MetricTable,
  stored: {
    readonly size: number;
    readonly first: readonly ColumnEntry[];
    readonly parts: readonly StatePart[];
  },
  rev: number,
): void {
  const bodies = new Map(stored.parts.map(({ part, body }) => [part, body]));
  const read = (part: number): unknown => {
    const body = bodies.get(part);
    if (!body) throw new Error(`part ${part} is missing`);
    return decode(body);
  };
  for (let column = 0; column < stored.size; ) {
    const chunk = column / CHUNK;
    const entries = chunk === 0 ? stored.first : (read(chunk) as readonly ColumnEntry[]);
    if (entries.length !== Math.min(CHUNK, stored.size - column))
      throw new Error(`part ${chunk} is not whole`);
    for (const entry of entries) {
      restoreColumn(metrics, entry, column, { rev, read });
      column += 1;
    }
  }
}

function restoreColumn(
  metrics: MetricTable,
  entry: ColumnEntry,
  column: number,
  { rev, read }: { readonly rev: number; readonly read: (part: number) => unknown },
): void {
  const [name] = entry;
  if (entry.length === 1) metrics.restore({ name, value: null, at: 0, receivedAt: 0 }, rev, true);
  else if (entry.length === 4) {
    const [, value, at, receivedAt] = entry;
    metrics.restore({ name, value, at, receivedAt }, rev, true);
  } else {
    const [, at, receivedAt] = entry;
    metrics.restore({ name, value: read(partOfColumn(column)) as Value, at, receivedAt }, rev, true);
    metrics.setApart(column, true);
  }
}

/**
 * A value that is large, or was. Of one that was large before a save that failed a row may stay: the chunk does not point
 * to it, and it goes with the device.
 */
function takeValue(metrics: MetricTable, column: number, parts: StatePart[]): void {
  const value = metrics.value(column);
  if (typeof value === 'number' && !metrics.isApart(column)) return;
  const isApart = costOf(value) > LARGE;
  if (isApart) parts.push({ part: partOfColumn(column), body: encode(value) });
  else if (metrics.isApart(column)) parts.push({ part: partOfColumn(column), body: null });
  metrics.setApart(column, isApart);
}

function chunkOf(metrics: MetricTable, chunk: number): ColumnEntry[] {
  const entries: ColumnEntry[] = [];
  const end = Math.min(metrics.size, (chunk + 1) * CHUNK);
  for (let column = chunk * CHUNK; column < end; column += 1) entries.push(metrics.entry(column));
  return entries;
}

/** Chunks have numbers from 1, large values have them below zero. */
function partOfColumn(column: number): number {
  return -1 - column;
}

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
  const { description, metrics, lastDataAt, newestArrival } = device;
  const presence = device.loggedPresence ?? device.presence;
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
