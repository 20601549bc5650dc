/**
 * Makes the WebSocket of one device a session's `Transport`: ws's own, with close codes of our table and the session
 * that it feeds. What the kernel delivers goes to the session, which hands it to ws when there is time for it. Ten
 * thousand of these idle at once, so the listeners are shared, not made for each. Owns whether the socket is read, and
 * the newest ping that is not answered.
 */
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import WebSocket from 'ws';
import type { TokenBucket } from '../base/token-bucket.ts';
import type { Transport } from '../session/parts.ts';
import type { DeviceSession } from '../session/session.ts';
import { shortened } from '../wire/names.ts';

/** Takes a chunk over; whether to read on. */
type Sink = (chunk: Uint8Array) => boolean;

interface Handle {
  reading: boolean;
  readStop(): number;
}

/**
 * The socket under a WebSocket: what the kernel delivers goes to a sink instead of the stream's listeners, and reading
 * stops when it is told so, not one chunk later. Owns whether the socket is read, and an end of the stream that came
 * too early. A paused stream of Node goes on reading until its buffer is full, up to 80 KiB here: 0.8 GB for 10,000
 * sockets. So `push` and `_read`, which a stream's owner may give it, are ours, and the handle is stopped itself.
 */
class RawSocket {
  private readonly socket: Socket;
  private readonly sink: Sink;
  /** The stream's own. */
  private readonly read: () => void;
  private readonly pushOn: (chunk: null) => boolean;
  private state: 'reading' | 'stopped' | 'ended' = 'reading';
  private end: 'none' | 'waiting' = 'none';

  constructor(socket: Socket, sink: Sink) {
    this.socket = socket;
    this.sink = sink;
    this.read = socket._read.bind(socket, 0);
    this.pushOn = socket.push.bind(socket);
    socket.push = (chunk: Buffer | null) => this.push(chunk);
    socket._read = () => {
      if (this.state === 'reading') this.read();
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
    else if (!this.socket.destroyed) this.read();
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
    this.pushOn(null);
    this.socket.read(0);
  }
}

/** RFC 6455: the reason's bytes beside the code. */
const REASON_BYTES = 123;
/** Bytes that wait to be written, above which pings are not answered. */
const PONG_LIMIT = 64 * 1024;

/** ws's parser of frames, a stream; a test notices if ws should rename what is used of it. */
interface FrameParser extends Writable {
  /** Bytes of a frame whose rest has not come. */
  readonly _bufferedBytes: number;
  /** Bytes of the fragments of a message whose last has not come. */
  readonly _messageLength: number;
}

export class DeviceSocket extends WebSocket implements Transport {
  session: DeviceSession | null = null;
  controlRate: TokenBucket | null = null;
  /** Called once when the socket is gone, with how it went and what the device said as it closed (P-7.5). */
  gone: ((reason: string, said: string) => void) | null = null;
  private raw: RawSocket | null = null;
  private failure: string | null = null;
  /** The newest ping of the bytes at hand. */
  unanswered: Buffer | null = null;

  get bufferedBytes(): number {
    return this.bufferedAmount;
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.send(bytes, (error) => {
      if (!error) written();
    });
  }

  /** ws closes a flood of fragments with 1008; here that is 4029 (P-7.2, P-7.3). */
  override close(code?: number, reason?: string | Buffer): void {
    const ours = code === 1008 ? 4029 : code;
    super.close(ours, typeof reason === 'string' ? shortened(reason, REASON_BYTES) : reason);
  }

  /** Before the session is opened. What comes from now on waits for `attach`, in the same turn. */
  takeOver(socket: Socket): void {
    this.raw = new RawSocket(socket, (chunk) => this.session?.accept(chunk) ?? true);
  }

  deliver(bytes: Uint8Array): void {
    this.receiver.write(bytes);
    if (this.unanswered) this.answerPing(this.unanswered);
  }

  /**
   * RFC 6455, 5.5.3: of several pings the newest may be answered alone. So pings that come together cost one answer,
   * and a device that does not read gets none.
   */
  private answerPing(ping: Buffer): void {
    this.unanswered = null;
    if (this.readyState === WebSocket.OPEN && this.bufferedAmount < PONG_LIMIT) this.pong(ping);
  }

  get isOpen(): boolean {
    return this.receiver.writable;
  }

  get unfinishedBytes(): number {
    const { _bufferedBytes: ofFrame, _messageLength: ofMessage } = this.receiver;
    return ofFrame + ofMessage;
  }

  stopReading(): void {
    this.raw?.stop();
  }

  startReading(): void {
    this.raw?.start();
  }

  private get receiver(): FrameParser {
    return (this as unknown as { readonly _receiver: FrameParser })._receiver;
  }

  /** `head` came right behind the handshake. */
  attach(
    session: DeviceSession,
    head: Uint8Array,
    controlRate: TokenBucket,
    gone: (reason: string, said: string) => void,
  ): void {
    this.session = session;
    this.controlRate = controlRate;
    this.gone = gone;
    this.on('message', onMessage);
    this.on('ping', onPing);
    this.on('pong', onControl);
    this.on('error', onError);
    this.on('close', onClose);
    if (head.length > 0) session.accept(head);
    const buffered = this.raw?.buffered();
    if (buffered) session.accept(buffered);
  }

  fail(error: Error): void {
    this.failure = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  }

  ended(code: number, said: string): void {
    const how = this.failure ?? (code === 1006 ? 'connection-lost' : 'device-closed');
    this.gone?.(how, code === 1000 ? said : '');
    this.session = null;
    this.gone = null;
  }
}

function onMessage(this: WebSocket, data: WebSocket.RawData, isBinary: boolean): void {
  const { session } = this as DeviceSocket;
  if (isBinary) session?.receive(data as Buffer);
  else session?.receiveText();
}

function onPing(this: WebSocket, data: Buffer): void {
  (this as DeviceSocket).unanswered = data;
  onControl.call(this);
}

/**
 * P-7.2: control frames are signs of life, but not by the hundred; those of a time in which nothing was read come
 * together.
 */
function onControl(this: WebSocket): void {
  const { session, controlRate } = this as DeviceSocket;
  if (!session || !controlRate) return;
  session.heard();
  const now = session.silentSince;
  controlRate.credit(session.takeHeldTime(now));
  if (controlRate.take(1, now) > 0) session.end(4029);
}

function onError(this: WebSocket, error: Error): void {
  (this as DeviceSocket).fail(error);
}

function onClose(this: WebSocket, code: number, said: Buffer): void {
  (this as DeviceSocket).ended(code, said.toString());
}
