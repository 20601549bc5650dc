/**
 * Decodes text of frames, strictly from UTF-8 (P-2.2), and shortens text to so many bytes. Devices repeat the same few
 * names for ever, so keys of maps are looked up by their bytes instead of decoded each time. Owns the table for that:
 * direct-mapped, of fixed size; a key that collides is decoded again.
 */
import { FORBIDDEN_NAMES, METRIC_NAME } from '../../schemas/frames.ts';
import { FrameError } from './frame-error.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Up to here a loop over the bytes beats the call into the decoder. */
const SHORT = 24;

/** The text at `bytes[start, end)`. Throws FrameError `text-not-utf8`. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT) {
    const text = shortAscii(bytes, start, end);
    if (text !== null) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    throw new FrameError('text-not-utf8');
  }
}

/** At most so many bytes; `…` (3 of them) stands for what is left out, after a whole character. */
export function shortened(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text).subarray(0, Math.max(0, bytes - 3));
  return `${new TextDecoder().decode(kept).replace(/\uFFFD+$/, '')}…`;
}

function shortAscii(bytes: Uint8Array, start: number, end: number): string | null {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte > 0x7f) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}

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
