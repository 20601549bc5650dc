/**
 * Map keys from bytes to text without making a new string each time: devices repeat the same few metric names for
 * ever. Owns a direct-mapped table of fixed size; what collides is decoded again, nothing more.
 */
import { FORBIDDEN_NAMES, METRIC_NAME } from '../../schemas/frames.ts';
import { FrameError } from './frame-error.ts';
import { decodeText } from './text.ts';

export interface Name {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Whether it may name a metric, a command or an event. */
  readonly isMetric: boolean;
}

const SLOTS = 4096;
const FORBIDDEN: ReadonlySet<string> = new Set(FORBIDDEN_NAMES);
const METRIC_PATTERN = new RegExp(METRIC_NAME);
const table: (Name | undefined)[] = new Array(SLOTS).fill(undefined);

/** The key at `bytes[start, end)`. Throws FrameError if it is not UTF-8 or is one of the forbidden names (P-2.2). */
export function readName(bytes: Uint8Array, start: number, end: number): Name {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const known = table[slot];
  if (known !== undefined && equals(known.bytes, bytes, start, end)) return known;
  const text = decodeText(bytes, start, end);
  if (FORBIDDEN.has(text)) throw new FrameError('key-forbidden');
  const name = {
    text,
    bytes: new Uint8Array(bytes.subarray(start, end)),
    isMetric: METRIC_PATTERN.test(text),
  };
  table[slot] = name;
  return name;
}

function equals(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = known;
  if (length !== end - start) return false;
  for (let at = 0; at < length; at += 1) if (known[at] !== bytes[start + at]) return false;
  return true;
}
