/**
 * The last-known state of a device in parts, so that a checkpoint writes what changed and not all of it: chunks of columns,
 * the first of which is in the device's row, and large values each on its own. A part says nothing by itself: the
 * device's row, saved in the same transaction, says how many columns there are, and a chunk which of its values lie apart.
 */
import type { StatePart } from '../../store/ports.ts';
import { decode, encode } from '../../wire/cbor.ts';
import { costOf } from '../../wire/cost.ts';
import type { Value } from '../../wire/frames.ts';
import type { ColumnEntry, MetricTable } from '../fleet/metrics.ts';

/** Columns of a chunk. Most devices have no more metrics, so that they are one row. */
const CHUNK = 16;
/** A value that costs more is a part of its own; so a chunk has at most 8 KiB. */
const LARGE = 512;
const NO_PARTS: readonly StatePart[] = [];

/** What is to be saved of a device's state now: the first chunk, and those parts that changed since the last time. */
export function takeParts(metrics: MetricTable): {
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
export function restoreParts(
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
