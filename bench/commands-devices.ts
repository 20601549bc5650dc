/** Devices of the command benchmark: answer every command with accepted and done, and time the acks of their telemetry. */
import WebSocket from 'ws';
import { parseBrokerFrame } from '../broker/wire/broker-frames.ts';
import { encodeHello, encodeResult, encodeTelemetry } from '../broker/wire/encode.ts';
import { FRAME } from '../broker/wire/frames.ts';
import { type DurationSummary, Durations } from '../device-sim/durations.ts';
import { answer } from './peer.ts';

export type DevicesRequest =
  | { readonly ask: 'connect'; readonly port: number; readonly deviceKey: string; readonly devices: number }
  /** One frame each time, each acknowledged by itself (ackWithin 0); answered when the last ack has come. */
  | { readonly ask: 'telemetry'; readonly perSecond: number; readonly seconds: number };

export interface DevicesMark {
  readonly ack: DurationSummary;
}

const ACCEPTED = 1;
const DONE = 3;
const latencies = new Durations();

class AnsweringDevice {
  private readonly socket: WebSocket;
  private readonly sentAt = new Map<number, number>();
  private seq = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.receive(data as Buffer));
    socket.send(encodeHello({ boot: Math.floor(Math.random() * 2 ** 40), ackWithin: 0 }));
  }

  get waiting(): number {
    return this.sentAt.size;
  }

  measure(): void {
    this.seq += 1;
    this.sentAt.set(this.seq, performance.now());
    this.socket.send(
      encodeTelemetry(this.seq, null, { temp: 21.53, hum: 47.25, press: 1013.2, volt: 3.291 }),
    );
  }

  private receive(data: Buffer): void {
    const frame = parseBrokerFrame(data);
    if (frame?.kind === FRAME.command) {
      this.socket.send(encodeResult(frame.id, ACCEPTED));
      this.socket.send(encodeResult(frame.id, DONE, { rpm: 1450 }));
    } else if (frame?.kind === FRAME.ack) this.acknowledged(frame.seq);
  }

  private acknowledged(upTo: number): void {
    const now = performance.now();
    for (const [seq, sentAt] of this.sentAt) {
      if (seq > upTo) return;
      latencies.add(now - sentAt);
      this.sentAt.delete(seq);
    }
  }
}

const devices: AnsweringDevice[] = [];

async function connect({
  port,
  deviceKey,
  devices: count,
}: DevicesRequest & { ask: 'connect' }): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/device?device=d${number}`, {
      headers: { 'X-API-Key': deviceKey },
      perMessageDeflate: false,
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    devices.push(new AnsweringDevice(socket));
  }
}

function telemetry({ perSecond, seconds }: DevicesRequest & { ask: 'telemetry' }): Promise<void> {
  const begin = performance.now();
  let sent = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - begin) * perSecond) / 1000));
      for (; sent < due; sent += 1) devices[sent % devices.length]?.measure();
      if (sent < perSecond * seconds || devices.some(({ waiting }) => waiting > 0)) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
}

answer<DevicesRequest>(async (request) => {
  if (request.ask === 'connect') await connect(request);
  else await telemetry(request);
  return { ack: latencies.collect() } satisfies DevicesMark;
});
