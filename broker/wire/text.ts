/** UTF-8 to text, strictly (P-2.2), and text that must fit into so many bytes of it. */
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
