/**
 * Plays bystanders while a broker is attacked: a quiet device of another customer, which sends a frame and waits for its
 * ack, and an operator's program that asks `/livez`. Each owns its connection and what it measured.
 */
import { get } from 'node:http';
import { encodeHello, encodeTelemetry } from '../broker/wire/encode.ts';
import { Durations } from '../device-sim/durations.ts';
import { openSocket } from './load-socket.ts';
import { AckReader, maskedFrame } from './wire.ts';

/** Between an ack and the next frame, and between two questions; ms. */
const THINK = 5;
const POLL = 50;

export interface ProbeTarget {
  readonly port: number;
  readonly key: string;
  readonly device: string;
  /** P-4.2; undefined: the broker's default. */
  readonly ackWithin: number | undefined;
}

export class QuietDevice {
  readonly latencies = new Durations();
  private readonly target: ProbeTarget;
  private seq = 0;
  private sentAt: number | null = null;
  private state: 'running' | 'lost' | 'stopped' = 'running';
  private end: () => void = () => {};

  constructor(target: ProbeTarget) {
    this.target = target;
  }

  get isLost(): boolean {
    return this.state === 'lost';
  }

  /** How long the frame that was sent last has waited so far, ms. */
  get waiting(): number {
    return this.sentAt === null ? 0 : performance.now() - this.sentAt;
  }

  async start(): Promise<void> {
    const { port, key, device, ackWithin } = this.target;
    const { socket, rest } = await openSocket({ port, key, path: `/v1/device?device=${device}` });
    const send = () => {
      if (this.state !== 'running') return;
      this.seq += 1;
      this.sentAt = performance.now();
      socket.write(maskedFrame(encodeTelemetry(this.seq, null, { temp: 21.5 }), 2));
    };
    const acks = new AckReader((seq) => {
      if (seq !== this.seq || this.sentAt === null) return;
      this.latencies.add(this.waiting);
      this.sentAt = null;
      setTimeout(send, THINK);
    });
    socket.on('data', (chunk) => acks.read(chunk as Buffer));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.state === 'running') this.state = 'lost';
    });
    this.end = () => socket.destroy();
    acks.read(rest);
    const boot = Math.floor(Math.random() * 2 ** 40);
    socket.write(maskedFrame(encodeHello(ackWithin === undefined ? { boot } : { boot, ackWithin }), 2));
    socket.resume();
    send();
  }

  stop(): void {
    this.state = 'stopped';
    this.end();
  }
}

/** Asks `/livez` again and again, on a new connection each time. */
export class Liveness {
  readonly latencies = new Durations();
  private readonly port: number;
  private state: 'running' | 'stopped' = 'running';
  private sentAt: number | null = null;

  constructor(port: number) {
    this.port = port;
  }

  /** How long the question that was put last has waited so far, ms. */
  get waiting(): number {
    return this.sentAt === null ? 0 : performance.now() - this.sentAt;
  }

  start(): void {
    this.sentAt = performance.now();
    const next = () => {
      this.latencies.add(this.waiting);
      this.sentAt = null;
      if (this.state === 'running') setTimeout(() => this.start(), POLL);
    };
    const request = get({ host: '127.0.0.1', port: this.port, path: '/livez', agent: false }, (response) => {
      response.resume().on('end', next);
    });
    request.on('error', () => {
      if (this.state === 'running') setTimeout(() => this.start(), POLL);
    });
  }

  stop(): void {
    this.state = 'stopped';
  }
}
