/**
 * Device rows as a few flat arrays, so that a thousand of them cross between threads at the price of one: the arrays
 * are transferred, not copied.
 */
import type { DeviceRow } from '../ports.ts';

export interface PackedRows {
  /** customer, device, customer, device … */
  readonly names: readonly string[];
  readonly positions: Float64Array<ArrayBuffer>;
  /** Bytes of each body; -1 for null. */
  readonly lengths: Int32Array<ArrayBuffer>;
  /** One after another. */
  readonly bodies: Uint8Array<ArrayBuffer>;
}

export function packRows(rows: readonly DeviceRow[]): PackedRows {
  const positions = Float64Array.from(rows, (row) => row.position);
  const lengths = Int32Array.from(rows, (row) => row.body?.length ?? -1);
  const bodies = new Uint8Array(rows.reduce((bytes, row) => bytes + (row.body?.length ?? 0), 0));
  let offset = 0;
  for (const { body } of rows) {
    if (body === null) continue;
    bodies.set(body, offset);
    offset += body.length;
  }
  return { names: rows.flatMap((row) => [row.customer, row.device]), positions, lengths, bodies };
}

export function unpackRows(packed: PackedRows): DeviceRow[] {
  const { names, positions, lengths, bodies } = packed;
  let offset = 0;
  return Array.from(positions, (position, index) => {
    const length = lengths[index] as number;
    const body = length < 0 ? null : bodies.subarray(offset, offset + length);
    offset += Math.max(length, 0);
    return { customer: names[index * 2] as string, device: names[index * 2 + 1] as string, position, body };
  });
}

/** What to transfer with a message that holds `packed`. */
export function buffersOf(packed: PackedRows): ArrayBuffer[] {
  return [packed.positions.buffer, packed.lengths.buffer, packed.bodies.buffer];
}
