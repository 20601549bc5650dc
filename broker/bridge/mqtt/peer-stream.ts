/**
 * The bytes between the server's socket and mqtt.js. `PacketSplitter` looks at what the server sends before mqtt.js does
 * (MQTT, section 2.1): it takes out PUBACKs, which come by the ten thousand a second, and refuses packets that are larger
 * than agreed before they are gathered. `PeerStream` owns the socket, and writes the bridge's own packets between whole
 * packets of mqtt.js.
 */
import { Duplex } from 'node:stream';

export interface SplitterEvents {
  /** `reason`: of MQTT 5; 0 is success, 128 and above are refusals. */
  acknowledged(id: number, reason: number): void;
  /** A piece of what mqtt.js is to read. */
  passed(bytes: Uint8Array): void;
}

/** What the peer sent breaks the protocol; the connection cannot go on. */
export class PeerProtocolError extends Error {
  override readonly name = 'PeerProtocolError';
}

const PUBACK = 0x40;
/** With a reason and all properties that somebody may send. */
const PUBACK_BYTES = 4096;
const NOTHING = Buffer.alloc(0);

export class PacketSplitter {
  private readonly events: SplitterEvents;
  private readonly packetBytes: number;
  /** The beginning of a header or of a PUBACK. */
  private rest: Buffer = NOTHING;
  /** What is still to come of a packet that is passed on. */
  private passing = 0;

  constructor(packetBytes: number, events: SplitterEvents) {
    this.packetBytes = packetBytes;
    this.events = events;
  }

  /** Throws PeerProtocolError. */
  push(chunk: Buffer): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    this.rest = NOTHING;
    let at = 0;
    while (at < bytes.length) {
      const next = this.passing > 0 ? this.pass(bytes, at) : this.packet(bytes, at);
      if (next === at) {
        this.rest = Buffer.from(bytes.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** Where the next packet begins; `at` itself: more bytes are needed. */
  private packet(bytes: Buffer, at: number): number {
    if (bytes[at] === PUBACK && bytes[at + 1] === 2 && at + 4 <= bytes.length) {
      this.events.acknowledged(bytes.readUInt16BE(at + 2), 0);
      return at + 4;
    }
    const header = readHeader(bytes, at);
    if (!header) return at;
    const { start, length } = header;
    const isAck = bytes[at] === PUBACK;
    const limit = isAck ? PUBACK_BYTES : this.packetBytes;
    if (length > limit) {
      throw new PeerProtocolError(`it sent a packet of ${length} bytes; ${limit} are taken at most`);
    }
    if (!isAck) {
      this.passing = start - at + length;
      return this.pass(bytes, at);
    }
    if (start + length > bytes.length) return at;
    if (length < 2) throw new PeerProtocolError('it sent an acknowledgement of nothing');
    this.events.acknowledged(bytes.readUInt16BE(start), length > 2 ? (bytes[start + 2] as number) : 0);
    return start + length;
  }

  private pass(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.passing);
    this.passing -= end - at;
    this.events.passed(bytes.subarray(at, end));
    return end;
  }
}

/** Where a packet's body starts and how long it is; null: the header is not whole. */
function readHeader(bytes: Buffer, at: number): { readonly start: number; readonly length: number } | null {
  let length = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = bytes[at + 1 + index];
    if (byte === undefined) return null;
    length += (byte & 127) * 128 ** index;
    if (byte < 128) return { start: at + 2 + index, length };
  }
  throw new PeerProtocolError('it sent bytes that are no MQTT packet');
}

/** Passed on and not yet read by mqtt.js; above it the socket is not read. */
const UNREAD_BYTES = 1024 * 1024;

export interface PeerStreamOptions {
  readonly socket: Duplex;
  /** The largest packet that is taken from the peer. */
  readonly packetBytes: number;
  readonly acknowledged: (id: number, reason: number) => void;
  /** After each chunk that the peer sent. */
  readonly received: () => void;
  /** The socket takes packets again after `send` returned false. */
  readonly drained: () => void;
}

export class PeerStream extends Duplex {
  private readonly connection: Duplex;

  constructor({ socket, packetBytes, acknowledged, received, drained }: PeerStreamOptions) {
    super({ readableHighWaterMark: UNREAD_BYTES });
    this.connection = socket;
    const passed = (bytes: Uint8Array) => {
      if (!this.push(bytes)) socket.pause();
    };
    const splitter = new PacketSplitter(packetBytes, { acknowledged, passed });
    socket.on('data', (chunk: Buffer) => {
      try {
        splitter.push(chunk);
      } catch (error) {
        this.destroy(error as Error);
        return;
      }
      received();
    });
    socket.on('drain', drained);
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Whole packets, in order; false: the socket has more than it can take, wait for `drained`. */
  send(packets: Uint8Array): boolean {
    return this.connection.write(packets);
  }

  override _read(): void {
    this.connection.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.connection.write(chunk);
    done();
  }

  /** mqtt.js writes a packet in pieces while corked: they leave as one, so that nothing comes between them. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: () => void): void {
    this.connection.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.connection.destroy();
    done(error);
  }
}
