/**
 * How a device's value looks in JSON, everywhere: HTTP API, live channel, bridge. JSON holds all of the profile (P-2.2:
 * finite numbers, text keys) but byte strings: those become `{"base64": "…"}` (RFC 4648 section 4, with padding). Pure.
 */
import type { Value } from '../wire/frames.ts';

export type JsonValue =
  | number
  | string
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** The value for `JSON.stringify`; arrays and maps are copied. */
export function jsonValue(value: Value): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { base64: base64(value) };
  if (isArray(value)) return value.map(jsonValue);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, jsonValue(member)]));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** `Array.isArray` does not narrow to a readonly array. */
function isArray(value: object): value is readonly Value[] {
  return Array.isArray(value);
}
