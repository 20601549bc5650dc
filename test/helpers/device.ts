/** A device for dialogues: sends frames and waits for the broker's, one after the other. */
import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { type BrokerFrame, FRAME } from '../../broker/wire/frames.ts';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly problem: {
    readonly code: string;
    readonly detail: string;
    readonly limit?: string;
    readonly retryAfter?: number;
  };
}

export class TestDevice {
  readonly socket: WebSocket;
  readonly closed: Promise<Closed>;
  private readonly frames: BrokerFrame[] = [];
  private readonly waiting: ((frame: BrokerFrame) => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.take(data as Buffer));
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  send(...frames: Uint8Array[]): void {
    for (const frame of frames) this.socket.send(frame);
  }

  /** The next frame of the broker. */
  next(): Promise<BrokerFrame> {
    const frame = this.frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Waits until everything up to `seq` is acknowledged; returns the acks on the way. */
  async acknowledged(seq: number): Promise<number[]> {
    const acks: number[] = [];
    while (acks.at(-1) !== seq) {
      const frame = await this.next();
      if (frame.kind === FRAME.ack) acks.push(frame.seq);
      else if (frame.kind === FRAME.error) throw new Error(`${frame.code}: ${frame.message}`);
    }
    return acks;
  }

  private take(data: Buffer): void {
    const frame = parseBrokerFrame(data);
    if (!frame) throw new Error('the broker sent a frame that nobody knows');
    const waiting = this.waiting.shift();
    if (waiting) waiting(frame);
    else this.frames.push(frame);
  }
}

export interface ConnectOptions {
  readonly key?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
}

function open(url: string, options: ConnectOptions): WebSocket {
  const headers = { ...(options.key === undefined ? {} : { 'X-API-Key': options.key }), ...options.headers };
  const target = url.replace(/^http/, 'ws') + (options.path ?? '/v1/device');
  const socket = new WebSocket(target, [...(options.protocols ?? [])], { headers, perMessageDeflate: false });
  onTestFinished(() => socket.terminate());
  return socket;
}

/** Connects; rejects if it is refused. */
export async function connect(url: string, options: ConnectOptions): Promise<TestDevice> {
  const socket = open(url, options);
  const device = new TestDevice(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return device;
}

/** Connects and expects to be refused with a problem body. */
export async function refusal(url: string, options: ConnectOptions): Promise<Refused> {
  const socket = open(url, options);
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('the connection was taken')));
    socket.on('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, problem: JSON.parse(body) });
      });
    });
  });
}
