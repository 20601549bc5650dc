/**
 * What the load puts on the wire, prebuilt, so that writing costs as little as it can: the handshake, masked frames
 * whose seq is patched in place (RFC 6455 wants client frames masked; the key is fixed, so a patch is one XOR), and a
 * reader of the broker's acks.
 */
import { encodeEvent, encodeTelemetry } from '../broker/wire/encode.ts';

/** The key of RFC 6455's example. Not zero: ws would leave out the unmasking, which every real device costs. */
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;
/** Where seq stands in a telemetry frame: after the array, the kind and the head of a 32-bit integer. */
const SEQ_AT = 3;
/** The mask as it falls on the four bytes of seq. */
const SEQ_MASK = 0x3d37fa21;
const SEQ_PLACEHOLDER = 0x7fffffff;

export function handshake(path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `GET ${path} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines.join('')}\r\n`
  );
}

/** `opcode`: 1 text, 2 binary. Payloads of up to 64 KiB. */
export function maskedFrame(payload: Uint8Array, opcode: 1 | 2): Buffer {
  const short = payload.length < 126;
  const head = short
    ? [0x80 | opcode, 0x80 | payload.length]
    : [0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 255];
  const masked = payload.map((byte, index) => byte ^ (MASK[index & 3] as number));
  return Buffer.concat([Buffer.from([...head, ...MASK]), masked]);
}

/** Telemetry of four metrics by name, 73 bytes, to be numbered by `NumberedWrite`. */
export function telemetryPayload(time: number): Uint8Array {
  return encodeTelemetry(SEQ_PLACEHOLDER, time, { temp: 21.53, hum: 47.25, press: 1013.2, volt: 3.291 });
}

/**
 * The dearest frame for its bytes: 4,080 empty byte strings in 4 KB, within every limit of the profile. An event, since
 * last-known state takes no value that costs so much.
 */
export function costlyPayload(): Uint8Array {
  const strings = Array.from({ length: 1020 }, () => new Uint8Array(0));
  return encodeEvent(SEQ_PLACEHOLDER, null, 6, 'dump', [strings, strings, strings, strings]);
}

/** One write of several frames with the same payload but for their seq, which was encoded as the placeholder. */
export class NumberedWrite {
  readonly bytes: Buffer;
  readonly frames: number;
  private readonly view: DataView;
  private readonly frameBytes: number;
  private readonly seqAt: number;

  constructor(payload: Uint8Array, frames: number) {
    const frame = maskedFrame(payload, 2);
    this.frames = frames;
    this.frameBytes = frame.length;
    this.seqAt = frame.length - payload.length + SEQ_AT;
    this.bytes = Buffer.concat(Array.from({ length: frames }, () => frame));
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** Numbers the frames from `first` on. The kernel must have taken the bytes of the time before. */
  number(first: number): void {
    let at = this.seqAt;
    for (let index = 0; index < this.frames; index += 1, at += this.frameBytes) {
      this.view.setUint32(at, (first + index) ^ SEQ_MASK);
    }
  }
}

/** Finds the acks in what the broker sends, however TCP cut it. */
export class AckReader {
  private readonly acknowledged: (seq: number) => void;
  private rest: Buffer | null = null;

  constructor(acknowledged: (seq: number) => void) {
    this.acknowledged = acknowledged;
  }

  read(chunk: Buffer): void {
    const bytes = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    while (at + 4 <= bytes.length) {
      const short = (bytes[at + 1] as number) < 126;
      const start = at + (short ? 2 : 4);
      const end = start + (short ? (bytes[at + 1] as number) : bytes.readUInt16BE(at + 2));
      if (end > bytes.length) break;
      if (bytes[start] === 0x82 && bytes[start + 1] === 0x11) this.acknowledged(unsigned(bytes, start + 2));
      at = end;
    }
    this.rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : null;
  }
}

function unsigned(bytes: Buffer, at: number): number {
  const head = bytes[at] as number;
  if (head < 24) return head;
  return bytes.readUIntBE(at + 1, 1 << (head - 24));
}
