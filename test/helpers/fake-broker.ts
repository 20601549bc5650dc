/** A broker whose side of the dialogue is written in the test: real WebSockets on a free port, nothing by itself. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  encodeAck,
  encodeCommand,
  encodeDesired,
  encodeError,
  encodeWelcome,
} from '../../broker/wire/encode.ts';
import {
  type DataFrame,
  type DeviceFrame,
  FRAME,
  type HelloFrame,
  type ReportedFrame,
  type ResultFrame,
  type Value,
  type ValueMap,
  type WelcomeFrame,
} from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import type { ErrorCode } from '../../schemas/errors.ts';

/** Hands out what came, in order, and waits for what did not come yet. */
export class Queue<Item> {
  private readonly items: Item[] = [];
  private readonly waiting: ((item: Item) => void)[] = [];

  put(item: Item): void {
    const waiting = this.waiting.shift();
    if (waiting) waiting(item);
    else this.items.push(item);
  }

  next(): Promise<Item> {
    const item = this.items.shift();
    return item === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(item);
  }

  /** What came and was not asked for. */
  get left(): readonly Item[] {
    return this.items;
  }
}

/** One device's connection, seen from the broker. */
export class FakeSession {
  readonly request: IncomingMessage;
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
  readonly frames = new Queue<DeviceFrame>();
  private readonly reader = new FrameReader();

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket;
    this.request = request;
    this.closed = once(socket, 'close').then(([code]) => code as number);
    socket.on('message', (data) => {
      const frame = this.reader.read(data as Buffer);
      if (frame.kind === FRAME.hello) this.reader.fields = frame.fields;
      this.frames.put(frame);
    });
  }

  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.socket.send(frame);
  }

  welcome(
    overrides: { time?: number; keepalive?: number; limits?: Partial<WelcomeFrame['limits']> } = {},
  ): void {
    const limits = {
      frameBytes: 65536,
      framesPerSecond: null,
      bytesPerSecond: null,
      window: 1024,
      ...overrides.limits,
    };
    this.send(encodeWelcome({ session: 's1', time: Date.now(), keepalive: 30, ...overrides, limits }));
  }

  /** Welcome, hello, and the ack of what this boot has got. */
  async greet(durable = 0, overrides: Parameters<FakeSession['welcome']>[0] = {}): Promise<HelloFrame> {
    this.welcome(overrides);
    const hello = await this.frames.next();
    if (hello.kind !== FRAME.hello) throw new Error(`expected a hello, got frame ${hello.kind}`);
    this.ack(durable);
    return hello;
  }

  ack(seq: number): void {
    this.send(encodeAck(seq));
  }

  error(code: ErrorCode | string, seq: number | null = null, commandId: string | null = null): void {
    this.send(encodeError(code as ErrorCode, 'Says the test.', seq, commandId));
  }

  /** The next telemetry, batch or event. */
  async data(): Promise<DataFrame> {
    const frame = await this.frames.next();
    if (frame.kind === FRAME.telemetry || frame.kind === FRAME.batch || frame.kind === FRAME.event)
      return frame;
    throw new Error(`expected data, got frame ${frame.kind}`);
  }

  /** The seqs of the next frames. */
  async seqs(count: number): Promise<(number | null)[]> {
    const seqs: (number | null)[] = [];
    while (seqs.length < count) seqs.push((await this.data()).seq);
    return seqs;
  }

  command(id: string, name: string, args: Value = null, ttl = 60_000): void {
    this.send(encodeCommand(id, name, args, ttl));
  }

  desired(version: number, values: ValueMap): void {
    this.send(encodeDesired(version, values));
  }

  /** The next frame, which must be a result. */
  async result(): Promise<Pick<ResultFrame, 'id' | 'status' | 'data'>> {
    const frame = await this.frames.next();
    if (frame.kind !== FRAME.result) throw new Error(`expected a result, got frame ${frame.kind}`);
    const { id, status, data } = frame;
    return { id, status, data };
  }

  /** The next frame, which must be a report. */
  async reported(): Promise<Pick<ReportedFrame, 'version' | 'values'>> {
    const frame = await this.frames.next();
    if (frame.kind !== FRAME.reported) throw new Error(`expected a report, got frame ${frame.kind}`);
    const { version, values } = frame;
    return { version, values };
  }

  close(code: number, reason = ''): void {
    this.socket.close(code, reason);
  }

  /** As when the network fails: no close frame. */
  cut(): void {
    this.socket.terminate();
  }
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class FakeBroker {
  readonly url: string;
  /** Connections that were taken and not looked at yet. */
  readonly sessions = new Queue<FakeSession>();
  /** Answers to the next handshakes instead of taking them; the last one stays. `taken`: not this one. */
  refusals: (Answer | 'taken')[] = [];
  handshakes = 0;
  /** Its HTTP API: whatever key comes, it is no admin's. */
  api: (request: IncomingMessage) => Answer = () => ({ status: 403 });
  private readonly stopServer: () => Promise<void>;

  constructor(url: string, stop: () => Promise<void>) {
    this.url = url;
    this.stopServer = stop;
  }

  /** The next connection. */
  next(): Promise<FakeSession> {
    return this.sessions.next();
  }

  stop(): Promise<void> {
    return this.stopServer();
  }
}

/** Started; stopped when the test is over. */
export async function fakeBroker(port = 0): Promise<FakeBroker> {
  const server = createServer((request, response) => {
    request.resume();
    const { status, headers, body } = broker.api(request);
    response.writeHead(status, headers).end(body);
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const broker = new FakeBroker(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop);
  onTestFinished(stop);
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    broker.handshakes += 1;
    const refusal = broker.refusals.length > 1 ? broker.refusals.shift() : broker.refusals[0];
    if (refusal && refusal !== 'taken') socket.end(answer(refusal));
    else
      sockets.handleUpgrade(request, socket, head, (ws) => broker.sessions.put(new FakeSession(ws, request)));
  });
  return broker;
}

function answer({ status, headers = {}, body = '' }: Answer): string {
  const all = { Connection: 'close', 'Content-Length': String(Buffer.byteLength(body)), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} Refused\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}
