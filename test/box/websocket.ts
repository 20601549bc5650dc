/**
 * The client's side of a WebSocket (RFC 6455) over a simulated connection, on its own feet: what it sends is masked, and what it gets is
 * taken apart, so that ws does not check itself. Owns what is half received.
 */
import type { ClientEnd, Network } from './network.ts';
import type { SeededRandom } from './random.ts';

const OPCODE = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface SocketEvents {
  open(): void;
  /** Before `open`: the answer was no upgrade. */
  refused(status: number, body: string): void;
  /** `sentAt`: when the last of its bytes were written; virtual ms. */
  message(data: Uint8Array, isText: boolean, sentAt: number): void;
  ping(): void;
  /** Once. Code 1006: without a close frame. */
  closed(code: number, reason: string): void;
}

export interface OpenOptions {
  readonly address: string;
  readonly from: string;
  readonly path: string;
  readonly key: string;
  /** false: one that is too busy for that. */
  readonly answersPings?: boolean;
  /** More lines of the request. */
  readonly headers?: readonly string[];
  /** Bytes that may be on their way to it. */
  readonly window?: number;
}

export class ClientSocket {
  private readonly random: SeededRandom;
  private readonly events: SocketEvents;
  private readonly end: ClientEnd;
  private readonly answersPings: boolean;
  private received: Buffer = Buffer.alloc(0);
  private state: 'handshake' | 'open' | 'closed' = 'handshake';
  private closing: { code: number; reason: string } = { code: 1006, reason: '' };
  private fragments: Buffer[] = [];
  private isText = false;
  private sentAt = 0;

  constructor(network: Network, random: SeededRandom, options: OpenOptions, events: SocketEvents) {
    this.random = random;
    this.events = events;
    const { address, from, path, key, answersPings = true } = options;
    this.answersPings = answersPings;
    const heard = {
      data: (bytes: Uint8Array, sentAt: number) => this.receive(bytes, sentAt),
      closed: () => this.gone(),
    };
    this.end = network.connect(address, from, heard, options.window);
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: broker',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${Buffer.from(random.bytes(16)).toString('base64')}`,
      `X-API-Key: ${key}`,
      ...(options.headers ?? []),
    ];
    this.end.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  get bufferedBytes(): number {
    return this.end.bufferedBytes;
  }

  get stalledAt(): number | null {
    return this.end.stalledAt;
  }

  /** When the other end last had to wait until it could write; virtual ms. */
  get waitedTo(): number {
    const { stalledAt, stalledTo } = this.end;
    return stalledAt === null ? stalledTo : Number.POSITIVE_INFINITY;
  }

  /** Whether bytes vanish, which nobody at either end can know. */
  get isHalfOpen(): boolean {
    return this.end.isHalfOpen;
  }

  ping(): void {
    this.write(OPCODE.ping, Buffer.alloc(0));
  }

  send(data: Uint8Array): void {
    this.write(OPCODE.binary, data);
  }

  sendText(text: string): void {
    this.write(OPCODE.text, Buffer.from(text));
  }

  /** One that nobody asked for. */
  pong(): void {
    this.write(OPCODE.pong, Buffer.alloc(0));
  }

  /** One message in so many pieces, as RFC 6455 lets a client cut it. */
  sendPieces(data: Uint8Array, count: number): void {
    const size = Math.ceil(data.length / count);
    for (let piece = 0; piece < count; piece += 1) {
      const bytes = data.subarray(piece * size, (piece + 1) * size);
      this.write(piece === 0 ? OPCODE.binary : OPCODE.more, bytes, piece === count - 1);
    }
  }

  /** Bytes as they are, whatever they mean. */
  sendRaw(bytes: Uint8Array): void {
    if (this.state === 'open') this.end.write(bytes);
  }

  /** Says goodbye; the other end closes. */
  close(code: number, reason: string): void {
    const body = Buffer.alloc(2 + Buffer.byteLength(reason));
    body.writeUInt16BE(code, 0);
    body.write(reason, 2);
    this.write(OPCODE.close, body);
  }

  /** The connection is gone at once. */
  cut(): void {
    this.end.cut();
  }

  /** It is gone, and nobody is told: the device lost its power. */
  vanish(): void {
    this.end.vanish();
    this.state = 'closed';
  }

  pause(): void {
    this.end.pause();
  }

  resume(): void {
    this.end.resume();
  }

  private write(opcode: number, data: Uint8Array, isLast = true): void {
    if (this.state !== 'open') return;
    this.end.write(frame(isLast ? 0x80 | opcode : opcode, data, this.random.bytes(4)));
  }

  private receive(bytes: Uint8Array, sentAt: number): void {
    this.sentAt = sentAt;
    const { buffer, byteOffset, length } = bytes;
    this.received =
      this.received.length === 0
        ? Buffer.from(buffer, byteOffset, length)
        : Buffer.concat([this.received, bytes]);
    if (this.state === 'handshake' && !this.shakeHands()) return;
    while (this.state === 'open' && this.readFrame());
  }

  private shakeHands(): boolean {
    const head = this.received.indexOf('\r\n\r\n');
    if (head < 0) return false;
    const text = this.received.toString('latin1', 0, head);
    const status = Number(text.split(' ')[1]);
    if (status !== 101) {
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (this.received.length < head + 4 + length) return false;
      this.state = 'closed';
      this.end.cut();
      this.events.refused(status, this.received.toString('utf8', head + 4));
      return false;
    }
    this.received = this.received.subarray(head + 4);
    this.state = 'open';
    this.events.open();
    return true;
  }

  /** Whether there may be another one. */
  private readFrame(): boolean {
    const { received } = this;
    if (received.length < 2) return false;
    const first = received[0] as number;
    let length = (received[1] as number) & 0x7f;
    let at = 2;
    if (length === 126) {
      if (received.length < 4) return false;
      length = received.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (received.length < 10) return false;
      length = Number(received.readBigUInt64BE(2));
      at = 10;
    }
    if (received.length < at + length) return false;
    const data = received.subarray(at, at + length);
    this.received = received.subarray(at + length);
    this.handle(first & 0x0f, (first & 0x80) !== 0, data);
    return true;
  }

  private handle(opcode: number, isLast: boolean, data: Buffer): void {
    if (opcode === OPCODE.ping) {
      if (this.answersPings) this.write(OPCODE.pong, data);
      this.events.ping();
    } else if (opcode === OPCODE.close) {
      this.closing = {
        code: data.length >= 2 ? data.readUInt16BE(0) : 1005,
        reason: data.toString('utf8', 2),
      };
      this.write(OPCODE.close, data.subarray(0, 2));
    } else if (opcode <= OPCODE.binary) {
      if (opcode !== 0) this.isText = opcode === OPCODE.text;
      this.fragments.push(Buffer.from(data));
      if (!isLast) return;
      const whole = Buffer.concat(this.fragments);
      this.fragments = [];
      this.events.message(whole, this.isText, this.sentAt);
    }
  }

  private gone(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.events.closed(this.closing.code, this.closing.reason);
  }
}

/** `first`: the opcode, and whether it is the last of its message. */
function frame(first: number, data: Uint8Array, mask: Uint8Array): Buffer {
  const { length } = data;
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.alloc(head + 4 + length);
  bytes[0] = first;
  if (head === 2) bytes[1] = 0x80 | length;
  else if (head === 4) {
    bytes[1] = 0x80 | 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 0x80 | 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.set(mask, head);
  for (let index = 0; index < length; index += 1) {
    bytes[head + 4 + index] = (data[index] as number) ^ (mask[index & 3] as number);
  }
  return bytes;
}
