/**
 * What a value costs in memory, in bytes, which is what limits charge (P-2.2). Bytes on the wire say little of it: an
 * empty byte string is one byte there and an object of 192 here. An item costs its kind's overhead, and text and byte
 * strings also their bytes on the wire. The overheads are measured (Node 20, heap and external memory of 200,000 items
 * each), rounded up, and part of the protocol: PROTOCOL.md has them too. Pure.
 */
import type { Value } from './frames.ts';

/** The overhead of one item by its kind. */
export const ITEM_COST = {
  /** A number, a boolean, null. */
  scalar: 16,
  text: 48,
  bytes: 200,
  array: 200,
  map: 200,
  /** A key of a map, or the name of a metric; it stands beside the item that it names. */
  key: 80,
} as const;

/** What a decoder sums up for the same item, with everything inside it. */
export function costOf(value: Value): number {
  if (typeof value === 'string') return ITEM_COST.text + Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return ITEM_COST.scalar;
  if (value instanceof Uint8Array) return ITEM_COST.bytes + value.length;
  return Array.isArray(value) ? costOfArray(value) : costOfMap(value as Record<string, Value>);
}

/** Of a key or a metric's name. */
export function costOfKey(key: string): number {
  return ITEM_COST.key + Buffer.byteLength(key);
}

function costOfArray(values: readonly Value[]): number {
  let cost: number = ITEM_COST.array;
  for (const value of values) cost += costOf(value);
  return cost;
}

function costOfMap(map: Readonly<Record<string, Value>>): number {
  let cost: number = ITEM_COST.map;
  for (const key of Object.keys(map)) cost += costOfKey(key) + costOf(map[key] as Value);
  return cost;
}
