/**
 * Desired and reported state of a device as the broker knows it (P-6). Checks whether a desired document can be sent,
 * applies merge patches to it (RFC 7396), finds where reported differs from desired, and makes the row in the store and
 * the view of HTTP API and live channel. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Documents } from '../../../schemas/api/desired.ts';
import { METRIC_NAME } from '../../../schemas/frames.ts';
import type { DesiredRow } from '../../store/command-ports.ts';
import type { Position } from '../../store/position.ts';
import { decode, encode } from '../../wire/cbor.ts';
import { encodeDesired } from '../../wire/encode.ts';
import type { Value, ValueMap } from '../../wire/frames.ts';
import { splitName } from '../fleet/topics.ts';
import { toJson } from '../json.ts';
import { HubRefusal } from '../refusal.ts';
import { checkProfile, checkSize, isName } from '../sendable.ts';

/**
 * Names of the desired document whose value is not reported the same. What a device reports beyond that is its own
 * affair. Without a desired document there is no difference.
 */
export function differenceOf({ desired, reported }: DeviceDocuments): Readonly<Record<string, Difference>> {
  if (!desired) return {};
  const applied = reported?.values ?? {};
  const names = Object.keys(desired.values).filter(
    (name) =>
      !(Object.hasOwn(applied, name) && isSame(desired.values[name] as Value, applied[name] as Value)),
  );
  return Object.fromEntries(names.map((name) => [name, sides(name, desired.values, applied)]));
}

function sides(name: string, desired: ValueMap, applied: ValueMap): Difference {
  const wanted = desired[name] as Value;
  return Object.hasOwn(applied, name)
    ? { desired: wanted, reported: applied[name] as Value }
    : { desired: wanted };
}

/** Equal by value: 1 and 1.0 are the same number, 0 and -0 too, and maps have no order. */
export function isSame(one: Value, other: Value): boolean {
  return isDeepStrictEqual(one, other) || isDeepStrictEqual(comparable(one), comparable(other));
}

/** `isDeepStrictEqual` tells 0 from -0, and bytes by their class: those out of the database are a Buffer. */
function comparable(value: Value): Value {
  if (typeof value === 'number') return value + 0;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, comparable(member)]));
}

/** The document with the patch merged in: maps member by member, `null` takes a member away, anything else replaces. */
export function mergePatch(target: ValueMap, patch: ValueMap): ValueMap {
  const merged = new Map(Object.entries(target));
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) merged.delete(name);
    else merged.set(name, patched(merged.get(name), change));
  }
  return Object.fromEntries(merged);
}

function patched(before: Value | undefined, change: Value): Value {
  if (!isMap(change)) return change;
  return mergePatch(before !== undefined && isMap(before) ? before : {}, change);
}

export function isMap(value: Value): value is ValueMap {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** Raise it when the meaning of a member changes; `readDocuments` refuses what it does not know. */
const VERSION = 1;

/** `name`: `customer/device`. `position`: reports of before it are in the documents. */
export function writeDocuments(name: string, documents: DeviceDocuments, position: Position): DesiredRow {
  const { customer, device } = splitName(name);
  const { desired, reported } = documents;
  return { customer, device, position, body: encode({ version: VERSION, desired, reported }) };
}

/** null: the device was forgotten. */
export function readDocuments({ customer, device, body }: DesiredRow): DeviceDocuments | null {
  if (!body) return null;
  const { version, ...documents } = decode(body) as DeviceDocuments & { readonly version: number };
  if (version === VERSION) return documents;
  throw new Error(`The stored state of ${customer}/${device} has version ${version}, not ${VERSION}.`);
}

/** The frame around the values: an array, its number, a version of one byte. */
const AROUND = 3;

/** Throws HubRefusal that says what is wrong with it. `bytes`: the limit of the values as CBOR. */
export function checkDocument(values: ValueMap, bytes: number): void {
  const wrong = Object.keys(values).find((name) => !isName(name));
  if (wrong !== undefined) {
    throw new HubRefusal('bad-request', `The name "${wrong}" must match ${METRIC_NAME} (P-1.4).`);
  }
  const frame = encodeDesired(0, values);
  const setting = 'commands.desiredBytes';
  checkSize(frame.length - AROUND, values, 'The document takes', {
    bytes,
    setting,
    code: 'desired-too-large',
  });
  checkProfile(frame, 'The document');
}

export interface DesiredDocument {
  /** Rises with each change. */
  readonly version: number;
  readonly values: ValueMap;
  readonly at: number;
  /** The key that set it. */
  readonly by: string;
}

export interface ReportedDocument {
  /** The version that the device says it has applied. */
  readonly version: number;
  readonly values: ValueMap;
  /** When it arrived. */
  readonly at: number;
}

/** What a name is and should be; absent: it is not there. */
export interface Difference {
  readonly desired?: Value;
  readonly reported?: Value;
}

export interface DeviceDocuments {
  readonly desired: DesiredDocument | null;
  readonly reported: ReportedDocument | null;
}

export interface DesiredChange {
  readonly expected: number | null;
  readonly by: string;
}

/** As the HTTP API and the live channel show them. `name`: `customer/device`. `obstacle`: why the desired document does not come. */
export function documentsView(name: string, documents: DeviceDocuments, obstacle: string | null): Documents {
  const { desired, reported } = documents;
  const difference = Object.entries(differenceOf(documents));
  return {
    device: name,
    desired: desired && { ...desired, values: jsonMap(desired.values) },
    reported: reported && { ...reported, values: jsonMap(reported.values) },
    difference: Object.fromEntries(difference.map(([name, sides]) => [name, sidesView(sides)])),
    inSync: difference.length === 0,
    ...(obstacle !== null && { obstacle }),
  };
}

function sidesView({ desired, reported }: Difference): { desired?: unknown; reported?: unknown } {
  return {
    ...(desired !== undefined && { desired: toJson(desired) }),
    ...(reported !== undefined && { reported: toJson(reported) }),
  };
}

function jsonMap(values: ValueMap): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toJson(value)]));
}
