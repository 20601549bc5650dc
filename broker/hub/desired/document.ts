/**
 * Desired and reported state of a device (P-6), as the broker knows it.
 *
 * Where what a device has applied is not what it should have (users.md: "Delta of desired and reported"). Pure.
 *
 * JSON merge patch (RFC 7396) on values of the profile. Pure.
 *
 * The documents of a device as a row of the store: CBOR that only this file reads and writes. Pure.
 *
 * Whether a desired document can be sent to a device. Pure.
 *
 * The documents as the HTTP API and the live channel tell them. Pure.
 */

import type { Documents } from '../../../schemas/api/desired.ts';
import { METRIC_NAME } from '../../../schemas/frames.ts';
import type { DesiredRow } from '../../store/command-ports.ts';
import { decode, encode } from '../../wire/cbor.ts';
import { encodeDesired } from '../../wire/encode.ts';
import type { Value, ValueMap } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';
import { jsonValue } from '../json.ts';
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

/** Equal by value: 1 and 1.0 are the same number, maps have no order. */
export function isSame(one: Value, other: Value): boolean {
  if (one === other) return true;
  if (one instanceof Uint8Array || other instanceof Uint8Array) return isSameBytes(one, other);
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, index) => isSame(value, other[index]));
  }
  if (!isMap(one) || !isMap(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name] as Value, other[name] as Value))
  );
}

function isSameBytes(one: Value, other: Value): boolean {
  return one instanceof Uint8Array && other instanceof Uint8Array && Buffer.compare(one, other) === 0;
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
export function writeDocuments(name: string, documents: DeviceDocuments, position: number): DesiredRow {
  const [customer = '', device = ''] = name.split('/');
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

/** What HTTP asks of desired state; `DesiredStates` (desired-states.ts) is it. */
export interface DesiredDesk {
  documents(device: Device): DeviceDocuments;
  /** Why the desired document does not come to the device though it has not applied it; null: nothing is known. */
  obstacle(device: Device): string | null;
  /** Names of the desired document that the reported one does not show with the same value. */
  difference(documents: DeviceDocuments): Readonly<Record<string, Difference>>;
  /**
   * Replaces the desired document (`put`) or merges into it (`patch`, RFC 7396). Durable when it resolves, and sent to the
   * device if it is connected. `expected`: the version that the caller has seen, 0 for none; null: whatever is there.
   * Rejects with `HubRefusal`: `precondition-failed`, `bad-request`, `desired-too-large`,
   * `too-large-for-device`. A change that changes nothing
   * keeps the version, unless the device has reported a higher one: it gets a version that the device does not know.
   */
  put(device: Device, values: ValueMap, change: DesiredChange): Promise<DesiredDocument>;
  patch(device: Device, patch: ValueMap, change: DesiredChange): Promise<DesiredDocument>;
}

export interface DesiredChange {
  readonly expected: number | null;
  readonly by: string;
}

/** As the HTTP API and the live channel show them. */
export function documentsView(
  device: Device,
  desk: Pick<DesiredDesk, 'documents' | 'difference' | 'obstacle'>,
): Documents {
  const documents = desk.documents(device);
  const { desired, reported } = documents;
  const difference = Object.entries(desk.difference(documents));
  const obstacle = desk.obstacle(device);
  return {
    device: device.name,
    desired: desired && { ...desired, values: jsonMap(desired.values) },
    reported: reported && { ...reported, values: jsonMap(reported.values) },
    difference: Object.fromEntries(difference.map(([name, sides]) => [name, sidesView(sides)])),
    inSync: difference.length === 0,
    ...(obstacle !== null && { obstacle }),
  };
}

function sidesView({ desired, reported }: Difference): { desired?: unknown; reported?: unknown } {
  return {
    ...(desired !== undefined && { desired: jsonValue(desired) }),
    ...(reported !== undefined && { reported: jsonValue(reported) }),
  };
}

function jsonMap(values: ValueMap): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, jsonValue(value)]));
}
