/**
 * Makes and checks the text of a key: `sbx_<8 base62 id>_<32 base62 secret><6 base62 CRC32>`. Scanners for secrets know
 * the prefix; the checksum refuses a mistyped key before anything else is done. Pure; randomness is passed in.
 */
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = /^sbx_([0-9A-Za-z]{8})_[0-9A-Za-z]{32}([0-9A-Za-z]{6})$/;
const CHECKSUM_LENGTH = 6;

export type RandomBytes = (count: number) => Uint8Array;

export interface KeyText {
  readonly id: string;
  readonly text: string;
}

export function makeKeyText(randomBytes: RandomBytes): KeyText {
  const id = randomBase62(8, randomBytes);
  const body = `sbx_${id}_${randomBase62(32, randomBytes)}`;
  return { id, text: body + checksum(body) };
}

/** The id in a well-formed key with the right checksum, else null. */
export function keyIdOf(text: string): string | null {
  const match = SHAPE.exec(text);
  if (!match) return null;
  return checksum(text.slice(0, -CHECKSUM_LENGTH)) === match[2] ? (match[1] as string) : null;
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    text = ALPHABET[rest % 62] + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** Bytes from 248 on are dropped: 248 is the greatest multiple of 62 in a byte, so every character is as likely. */
function randomBase62(length: number, randomBytes: RandomBytes): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
    }
  }
  return text;
}
