/**
 * The socket under a WebSocket: what the kernel delivers goes to a sink instead of the stream's listeners, and reading stops
 * when it is told so, not one chunk later. Owns whether the socket is read, and an end of the stream that came too early.
 *
 * A paused stream of Node goes on reading until its buffer is full, up to 80 KiB here: 0.8 GB for 10,000 sockets. So `push` and
 * `_read`, which a stream's owner may give it, are ours, and the handle is stopped itself.
 */
import { Socket } from 'node:net';

/** Takes a chunk over; whether to read on. */
export type Sink = (chunk: Uint8Array) => boolean;

interface Handle {
  reading: boolean;
  readStop(): number;
}

export class RawSocket {
  private readonly socket: Socket;
  private readonly sink: Sink;
  private state: 'reading' | 'stopped' | 'ended' = 'reading';
  private end: 'none' | 'waiting' = 'none';

  constructor(socket: Socket, sink: Sink) {
    this.socket = socket;
    this.sink = sink;
    socket.push = (chunk: Buffer | null) => this.push(chunk);
    socket._read = () => {
      if (this.state === 'reading') Socket.prototype._read.call(socket, 0);
    };
  }

  /** What the stream read before it was ours, if anything. */
  buffered(): Uint8Array | null {
    return this.socket.readableLength > 0 ? (this.socket.read() as Buffer | null) : null;
  }

  stop(): void {
    if (this.state !== 'reading') return;
    this.state = 'stopped';
    const { _handle: handle } = this.socket as unknown as { _handle: Handle | null };
    if (!handle?.reading) return;
    handle.reading = false;
    handle.readStop();
  }

  start(): void {
    if (this.state !== 'stopped') return;
    this.state = 'reading';
    if (this.end === 'waiting') this.finish();
    else if (!this.socket.destroyed) Socket.prototype._read.call(this.socket, 0);
  }

  private push(chunk: Buffer | null): boolean {
    if (chunk !== null) return this.sink(chunk);
    // What came before the end still waits: TLS may deliver both at once.
    if (this.state === 'stopped') this.end = 'waiting';
    else this.finish();
    return false;
  }

  private finish(): void {
    this.state = 'ended';
    Socket.prototype.push.call(this.socket, null);
    this.socket.read(0);
  }
}
