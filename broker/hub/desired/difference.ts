/** Where what a device has applied is not what it should have (users.md: "Delta of desired and reported"). Pure. */
import type { Value, ValueMap } from '../../wire/frames.ts';
import type { DeviceDocuments, Difference } from './document.ts';
import { isMap } from './merge-patch.ts';

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
