/**
 * Packs calls and their values for the way to the database thread and back. Device rows go as a few flat arrays, which are
 * transferred and not copied, so that a thousand of them cost as much as one; everything else goes as it is.
 */
import type { DatabaseMethods, DeviceRow, StatePart } from '../ports.ts';
import { numberOf, positionOf } from '../position.ts';
import type { DeviceName, RowPage } from '../subject.ts';

type Method = keyof DatabaseMethods;

export interface Crossing<Data> {
  readonly data: Data;
  readonly transfer: ArrayBuffer[];
}

export function packArgs(method: Method, args: readonly unknown[]): Crossing<readonly unknown[]> {
  if (method !== 'saveDevices') return { data: args, transfer: [] };
  const packed = packRows(args[0] as readonly DeviceRow[]);
  return { data: [packed], transfer: buffersOf(packed) };
}

export function unpackArgs(method: Method, args: readonly unknown[]): readonly unknown[] {
  return method === 'saveDevices' ? [unpackRows(args[0] as PackedRows)] : args;
}

export function packValue(method: Method, value: unknown): Crossing<unknown> {
  if (method !== 'loadDevices') return { data: value, transfer: [] };
  const { items, next } = value as RowPage<DeviceRow, DeviceName>;
  const packed = packRows(items);
  return { data: { packed, next } satisfies PackedPage, transfer: buffersOf(packed) };
}

export function unpackValue(method: Method, value: unknown): unknown {
  if (method !== 'loadDevices') return value;
  const { packed, next } = value as PackedPage;
  return { items: unpackRows(packed), next } satisfies RowPage<DeviceRow, DeviceName>;
}

interface PackedPage {
  readonly packed: PackedRows;
  readonly next: DeviceName | null;
}

interface PackedRows {
  /** customer, device, customer, device … */
  readonly names: readonly string[];
  readonly positions: Float64Array<ArrayBuffer>;
  /** Bytes of each body; -1 for null. */
  readonly lengths: Int32Array<ArrayBuffer>;
  /** row, part, bytes (-1 for null), row, part, bytes …, in the order of the rows. */
  readonly parts: Int32Array<ArrayBuffer>;
  /** One after another: of all rows, then of all parts. */
  readonly bodies: Uint8Array<ArrayBuffer>;
}

const PART_FIELDS = 3;
const NO_PARTS: readonly StatePart[] = [];

/** Plain loops: `TypedArray.from` and `flatMap` took four times as long, on the event loop. */
function packRows(rows: readonly DeviceRow[]): PackedRows {
  const names: string[] = [];
  const positions = new Float64Array(rows.length);
  const lengths = new Int32Array(rows.length);
  const parts = new Int32Array(
    PART_FIELDS * rows.reduce((count, row) => count + (row.parts?.length ?? 0), 0),
  );
  const bodies = new Uint8Array(rows.reduce((bytes, row) => bytes + bytesOf(row), 0));
  let offset = 0;
  const add = (body: Uint8Array | null): number => {
    if (body === null) return -1;
    bodies.set(body, offset);
    offset += body.length;
    return body.length;
  };
  rows.forEach(({ customer, device, position, body }, index) => {
    names.push(customer, device);
    positions[index] = numberOf(position);
    lengths[index] = add(body);
  });
  if (parts.length > 0) packParts(rows, parts, add);
  return { names, positions, lengths, parts, bodies };
}

function packParts(
  rows: readonly DeviceRow[],
  parts: Int32Array,
  add: (body: Uint8Array | null) => number,
): void {
  let at = 0;
  rows.forEach((row, index) => {
    for (const { part, body } of row.parts ?? NO_PARTS) {
      parts[at] = index;
      parts[at + 1] = part;
      parts[at + 2] = add(body);
      at += PART_FIELDS;
    }
  });
}

function unpackRows(packed: PackedRows): DeviceRow[] {
  const { names, positions, lengths, parts, bodies } = packed;
  let offset = 0;
  const take = (length: number): Uint8Array | null => {
    if (length < 0) return null;
    offset += length;
    return bodies.subarray(offset - length, offset);
  };
  const rows: (DeviceRow & { parts: readonly StatePart[] })[] = [];
  for (let index = 0; index < positions.length; index += 1) {
    rows.push({
      customer: names[index * 2] as string,
      device: names[index * 2 + 1] as string,
      position: positionOf(positions[index] as number),
      body: take(lengths[index] as number),
      parts: NO_PARTS,
    });
  }
  for (let at = 0; at < parts.length; at += PART_FIELDS) {
    const row = rows[parts[at] as number] as (typeof rows)[number];
    const part = { part: parts[at + 1] as number, body: take(parts[at + 2] as number) };
    if (row.parts === NO_PARTS) row.parts = [part];
    else (row.parts as StatePart[]).push(part);
  }
  return rows;
}

function buffersOf({ positions, lengths, parts, bodies }: PackedRows): ArrayBuffer[] {
  return [positions.buffer, lengths.buffer, parts.buffer, bodies.buffer];
}

/** Of all bodies of a row. */
export function bytesOf({ body, parts = NO_PARTS }: DeviceRow): number {
  let bytes = body?.length ?? 0;
  for (const part of parts) bytes += part.body?.length ?? 0;
  return bytes;
}
