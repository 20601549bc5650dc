/** UTF-8 to text, strictly (P-2.2). */
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

function shortAscii(bytes: Uint8Array, start: number, end: number): string | null {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte > 0x7f) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}
