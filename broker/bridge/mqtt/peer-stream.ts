/**
 * The bytes between the peer's socket and mqtt.js: mqtt.js reads what the splitter passes on and writes as it likes; the
 * bridge's own packets go straight to the socket between whole packets of mqtt.js. Owns the socket.
 */
import { Duplex } from 'node:stream';
import { PacketSplitter } from '../packet-splitter.ts';

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
        splitter.take(chunk);
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
