/**
 * A device that keeps calling with one key: says hello, sends a frame now and then, keeps each until it is acknowledged, and comes back after every end,
 * whatever it is told. Owns its connection and its outbox; what it is told goes to whoever judges it.
 */
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import type { Box } from './box.ts';
import type { SeededRandom } from './random.ts';
import { ClientSocket } from './websocket.ts';

export interface CallerEvents {
  /** `sentAt`: when the broker wrote it; virtual ms. */
  welcomed?(sentAt: number): void;
  /** Anything, the welcome included. */
  told?(sentAt: number): void;
  /** `code`: of the close; `status`: of a refusal. Neither: the connection was lost. */
  ended?(code: number, status: number | null): void;
}

export interface CallerParts {
  readonly customer: string;
  readonly device: string;
  readonly key: string;
  readonly from: string;
  /** ms between two frames, about. */
  readonly every: number;
  /** ms until it calls again, at most. */
  readonly back: number;
}

const RULE = 'what a caller was told to be durable is';

export class Caller {
  readonly name: string;
  private readonly box: Box;
  private readonly parts: CallerParts;
  private readonly events: CallerEvents;
  private readonly random: SeededRandom;
  private readonly boot: number;
  private readonly outbox = new Map<number, Uint8Array>();
  private seq = 0;
  private isCalm = false;
  private socket: ClientSocket | null = null;
  private state: 'away' | 'connecting' | 'greeted' | 'stopped' = 'away';

  constructor(box: Box, parts: CallerParts, events: CallerEvents) {
    this.box = box;
    this.parts = parts;
    this.events = events;
    this.name = `${parts.customer}/${parts.device}`;
    this.random = box.world.randomOf(`${this.name} ${parts.from} ${parts.key}`);
    this.boot = this.random.whole(1, 2 ** 50);
    box.faults.declare([RULE]);
  }

  get isConnected(): boolean {
    return this.state === 'greeted';
  }

  get unacknowledged(): number {
    return this.outbox.size;
  }

  start(): void {
    this.callIn(0);
    this.sendIn();
  }

  /** It measures no more; connects and resumes as before. */
  calm(): void {
    this.isCalm = true;
  }

  stop(): void {
    const { socket } = this;
    this.state = 'stopped';
    this.socket = null;
    socket?.cut();
  }

  private callIn(milliseconds: number): void {
    this.box.world.after(milliseconds, () => this.state === 'away' && this.call(), null);
  }

  private call(): void {
    this.state = 'connecting';
    const { from, key, device } = this.parts;
    const options = { address: 'broker', from, path: `/v1/device?device=${device}`, key };
    const socket: ClientSocket = new ClientSocket(this.box.network, this.random, options, {
      open: () => socket.send(encodeHello({ boot: this.boot })),
      refused: (status) => this.ended(socket, 1006, status),
      message: (bytes, _isText, sentAt) => this.socket === socket && this.receive(bytes, sentAt),
      ping: () => {},
      closed: (code) => this.ended(socket, code, null),
    });
    this.socket = socket;
    // It does not wait for ever for one that has vanished.
    this.box.world.after(200_000, () => socket.cut(), null);
  }

  private ended(socket: ClientSocket, code: number, status: number | null): void {
    if (this.socket !== socket) return;
    this.socket = null;
    this.state = 'away';
    this.events.ended?.(code, status);
    if (!this.isOver()) this.callIn(this.random.between(500, this.parts.back));
  }

  /** Whoever heard of the end may have stopped it. */
  private isOver(): boolean {
    return this.state === 'stopped';
  }

  private receive(bytes: Uint8Array, sentAt: number): void {
    const frame = parseBrokerFrame(bytes);
    if (frame?.kind === FRAME.welcome) this.events.welcomed?.(sentAt);
    this.events.told?.(sentAt);
    if (frame?.kind !== FRAME.ack) return;
    const known = this.box.judge.model.of(this.name).frames;
    for (const seq of this.outbox.keys()) {
      if (seq > frame.seq) continue;
      this.outbox.delete(seq);
      const isDurable = known.has(`u${this.boot}/${seq}`);
      this.box.faults.check(RULE, isDurable, () => `${this.name}: ${this.boot}/${seq} was acknowledged`);
    }
    if (this.state !== 'connecting') return;
    this.state = 'greeted';
    for (const waiting of this.outbox.values()) this.socket?.send(waiting);
  }

  private sendIn(): void {
    const { every } = this.parts;
    this.box.world.after(
      this.random.between(every / 2, every * 2),
      () => {
        if (this.state === 'stopped') return;
        if (this.state === 'greeted' && !this.isCalm) this.send();
        this.sendIn();
      },
      null,
    );
  }

  private send(): void {
    this.seq += 1;
    const bytes = encodeTelemetry(this.seq, null, { n: this.seq });
    this.outbox.set(this.seq, bytes);
    this.socket?.send(bytes);
  }
}
