/** JSON merge patch (RFC 7396) on values of the profile. Pure. */
import type { Value, ValueMap } from '../../wire/frames.ts';

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
