/**
 * Runs devices that show in a demo what operators look for: one sleeps, one is gone, one has an unset clock, one sends
 * frames that break a schema, one loses its connection again and again, one reports events. Owns their connections and
 * timers.
 */
import WebSocket from 'ws';
import type { Clock, Timer } from '../broker/base/clock.ts';
import { encode } from '../broker/wire/cbor.ts';
import { encodeTelemetry } from '../broker/wire/encode.ts';
import { DeviceClient, systemClock } from '../client/index.ts';

export interface TroublemakersOptions {
  readonly url: string;
  /** A device key of a customer's whole fleet (P-1.3). */
  readonly key: string;
  readonly clock?: Clock;
}

/** How long the sleeping one is away; s. */
const SLEEP = 45;
/** ms */
const READING_EVERY = 2000;
/** Under ten a minute, which would end the connection (P-2.3). */
const BAD_FRAME_EVERY = 8000;
const EVENT_EVERY = 10_000;
const HOLDS = 6000;
const AWAY = 3000;

const EVENTS: readonly (readonly [severity: number, name: string])[] = [
  [6, 'door-opened'],
  [6, 'door-closed'],
  [4, 'vibration-high'],
  [2, 'emergency-stop'],
  [5, 'released'],
];

export class Troublemakers {
  static readonly names = ['sleepy-1', 'gone-1', 'clockless-1', 'garbled-1', 'flapping-1', 'alarming-1'];
  private readonly options: TroublemakersOptions;
  private readonly clock: Clock;
  private readonly clients = new Set<DeviceClient>();
  private readonly sockets = new Set<WebSocket>();
  private readonly timers = new Set<Timer>();
  private state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: TroublemakersOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  /** To be called once. */
  start(): void {
    this.state = 'running';
    void this.sleepAndWake();
    void this.comeAndGo();
    this.sendWithoutClock();
    this.sendGarbled();
    this.flap();
    this.reportEvents();
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    for (const timer of this.timers) timer.cancel();
    for (const socket of this.sockets) socket.terminate();
    await Promise.all([...this.clients].map((client) => client.stop()));
  }

  private async sleepAndWake(): Promise<void> {
    const client = this.client('sleepy-1');
    client.send({ battery: 61 });
    await this.settled(client);
    await client.stop({ sleep: SLEEP });
    this.clients.delete(client);
    this.after(SLEEP * 1000, () => void this.sleepAndWake());
  }

  private async comeAndGo(): Promise<void> {
    const client = this.client('gone-1');
    client.send({ temp: 19.5 });
    await this.settled(client);
    await client.stop();
  }

  /** Its readings are dated in milliseconds since its start, as if that were 1970 (P-4.5). */
  private sendWithoutClock(): void {
    const client = this.client('clockless-1');
    const startedAt = this.clock.monotonic();
    const uptime = () => Math.round(this.clock.monotonic() - startedAt);
    this.every(READING_EVERY, () => client.send({ level: 40 + (uptime() % 10) }, { time: uptime() }));
  }

  private reportEvents(): void {
    const client = this.client('alarming-1');
    let next = 0;
    this.every(EVENT_EVERY, () => {
      const [severity, name] = EVENTS[next % EVENTS.length] as (typeof EVENTS)[number];
      client.sendEvent(severity, name, { count: next });
      next += 1;
    });
  }

  /** A metric's name has no spaces (P-1.4). */
  private sendGarbled(): void {
    const socket = this.socket('garbled-1', () => this.after(AWAY, () => this.sendGarbled()));
    const send = (frame: Uint8Array) => socket.readyState === WebSocket.OPEN && socket.send(frame);
    const timers = [
      this.every(READING_EVERY, () => send(encodeTelemetry(null, null, { temp: 22.5 }))),
      this.every(BAD_FRAME_EVERY, () => send(encode([1, null, null, { 'bad name': 1 }]))),
    ];
    socket.once('close', () => {
      for (const timer of timers) timer.cancel();
    });
  }

  private flap(): void {
    const socket = this.socket('flapping-1', () => this.after(AWAY, () => this.flap()));
    socket.once('open', () => {
      socket.send(encodeTelemetry(null, null, { signal: -108 }));
      this.after(HOLDS, () => socket.terminate());
    });
  }

  private client(device: string): DeviceClient {
    const { url, key } = this.options;
    const outbox = { whenFull: 'drop-oldest' as const };
    const client = new DeviceClient({ url, key, device, model: 'demo', outbox, clock: this.clock });
    this.clients.add(client);
    client.start();
    return client;
  }

  /** Not durable only if it was stopped meanwhile, or its key ended. */
  private async settled(client: DeviceClient): Promise<void> {
    await Promise.allSettled([client.durable()]);
  }

  /** `ended` is called once, whether it was open or not. */
  private socket(device: string, ended: () => void): WebSocket {
    const { url, key } = this.options;
    const address = `${url.replace(/^http/, 'ws')}/v1/device?device=${device}`;
    const socket = new WebSocket(address, { headers: { 'X-API-Key': key }, perMessageDeflate: false });
    this.sockets.add(socket);
    // `close` follows, and with it the next attempt.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.sockets.delete(socket);
      ended();
    });
    return socket;
  }

  private after(milliseconds: number, run: () => void): void {
    if (this.state !== 'running') return;
    const timer = this.clock.after(milliseconds, () => {
      this.timers.delete(timer);
      run();
    });
    this.timers.add(timer);
  }

  private every(milliseconds: number, run: () => void): Timer {
    const timer = this.clock.every(milliseconds, run);
    this.timers.add(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
        timer.cancel();
      },
    };
  }
}
