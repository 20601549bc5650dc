/**
 * A simulated device: measures, keeps what is not acknowledged, connects again with backoff and resumes (P-3.2, P-7.4), sleeps, restarts,
 * repeats itself and lies about the time, each as its character says; what it is asked to do its `Executor` does. What it holds
 * in memory is lost when it restarts; what it knows is told to `judge` and `ears`.
 */

import type { Timer } from '../../broker/base/clock.ts';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { encodeBatch, encodeEvent, encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME, type ValueMap } from '../../broker/wire/frames.ts';
import type { AllEars } from './ears.ts';
import { Executor } from './executor.ts';
import type { Network } from './network.ts';
import type { SeededRandom } from './random.ts';
import { wordsOfFrame } from './story.ts';
import { ClientSocket } from './websocket.ts';
import type { World } from './world.ts';

/** What the broker told a device, for whoever judges it. `seq` of `resumed`: what it holds of this boot. */
export interface DeviceJudge {
  /** It drops these frames, since everything up to `seq` is said to be durable. */
  acknowledged(device: SimulatedDevice, boot: string, seq: number, dropped: readonly number[]): void;
  /** `heldBefore`: what was durable of this boot when hello was sent. */
  resumed(device: SimulatedDevice, boot: string, seq: number, heldBefore: number): void;
  /** What is durable of this boot now. */
  heldOf(device: SimulatedDevice, boot: string): number;
}

/** What kind of device it is; chosen by its own chance. */
interface Character {
  /** ms between measurements. */
  readonly every: number;
  readonly ackWithin: number | null;
  readonly isPositional: boolean;
  /** Sends right behind its hello, without waiting for the answer. */
  readonly isEager: boolean;
  readonly batches: number;
  /** Share of frames of each kind. */
  readonly events: number;
  readonly stale: number;
  readonly liesAboutTime: number;
  readonly repeats: number;
  readonly sleeps: number;
}

interface Unacknowledged {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export interface DeviceParts {
  readonly world: World;
  readonly network: Network;
  readonly judge: DeviceJudge;
  readonly ears: AllEars;
  readonly address: string;
  readonly customer: string;
  readonly id: string;
  readonly key: string;
  /** The device's clock: Unix ms. */
  readonly wall: () => number;
}

const METRICS = ['n', 'temp', 'rpm', 'flow'] as const;
const OUTBOX_FRAMES = 400;
/** ms. */
const SILENCE = 80_000;

export class SimulatedDevice {
  readonly name: string;
  readonly random: SeededRandom;
  readonly parts: DeviceParts;
  /** `connected` when it has been greeted. */
  state: 'off' | 'waiting' | 'connecting' | 'connected' | 'asleep' = 'off';
  boot = '';
  /** Everything that it sent of this boot up to here is acknowledged. */
  acknowledged = 0;
  /** Measures no more; connects and resumes as before. */
  calm = false;
  readonly executor: Executor;
  private readonly character: Character;
  private bootNumber = 0;
  private nextSeq = 1;
  private outbox: Unacknowledged[] = [];
  private socket: ClientSocket | null = null;
  private timer: Timer | null = null;
  private measuring: Timer | null = null;
  private hurrying: Timer | null = null;
  /** Since when it has no connection and tries to get none, virtual ms; null: it has one, or tries. */
  awaySince: number | null = 0;
  private patience: Timer | null = null;
  private failures = 0;
  private introduced = false;
  private heldBefore = 0;
  /** As the broker calls this connection. */
  session = '';
  private measured = 0;

  constructor(parts: DeviceParts) {
    this.parts = parts;
    this.name = `${parts.customer}/${parts.id}`;
    this.random = parts.world.randomOf(this.name);
    const { random } = this;
    this.character = {
      every: random.pick([2000, 20_000, 60_000, 300_000, 1_800_000]),
      ackWithin: random.pick([null, null, 0, 100, 2000]),
      isPositional: random.chance(0.5),
      isEager: random.chance(0.3),
      batches: random.pick([0, 0.1, 1]),
      events: random.pick([0, 0.05]),
      stale: random.pick([0, 0, 0.2]),
      liesAboutTime: random.pick([0, 0, 0.1]),
      repeats: random.pick([0, 0.02]),
      sleeps: random.pick([0, 0, 0, 0.02]),
    };
    this.executor = new Executor({
      world: parts.world,
      ears: parts.ears,
      device: this,
      send: (bytes) => this.send(bytes),
      lastSeq: () => this.nextSeq - 1,
    });
  }

  get unacknowledged(): number {
    return this.outbox.length;
  }

  start(): void {
    this.newBoot();
    this.connectIn(this.random.between(0, 2000));
    this.measureIn();
  }

  /** It loses its power: what was not acknowledged is lost, as with a device that keeps nothing. */
  restart(): void {
    this.socket?.vanish();
    this.gone();
    this.newBoot();
    this.executor.restart();
    this.connectIn(this.random.between(500, 5000));
  }

  /** Measures far more often for a while; ms. */
  hurry(every: number, duration: number): void {
    if (this.calm || this.state === 'off') return;
    this.hurrying?.cancel();
    const until = this.parts.world.time + duration;
    const next = () => {
      if (this.calm || this.state === 'off' || this.parts.world.time > until) return;
      if (this.state === 'connected') this.add();
      this.hurrying = this.parts.world.after(this.random.between(every / 2, every * 2), next, null);
    };
    next();
  }

  /** It is carried out of reach: nobody is told, and it comes back later. */
  leave(milliseconds: number): void {
    if (this.state !== 'connected' || this.calm) return;
    this.socket?.vanish();
    this.gone();
    this.connectIn(milliseconds);
  }

  /** Its connection is cut. */
  cut(): void {
    this.socket?.cut();
  }

  /** Ends for good. */
  stop(): void {
    this.state = 'off';
    this.timer?.cancel();
    this.measuring?.cancel();
    this.hurrying?.cancel();
    this.patience?.cancel();
    this.socket?.cut();
    this.socket = null;
  }

  wake(): void {
    if (this.state === 'asleep') this.connectIn(0);
  }

  private newBoot(): void {
    this.bootNumber += 1;
    this.boot = `u${this.bootNumber}`;
    this.nextSeq = 1;
    this.acknowledged = 0;
    this.outbox = [];
  }

  private connectIn(milliseconds: number): void {
    this.state = 'waiting';
    this.timer?.cancel();
    this.timer = this.parts.world.after(milliseconds, () => this.connect(), null);
  }

  private connect(): void {
    const { network, address, key, id, customer } = this.parts;
    this.state = 'connecting';
    this.awaySince = null;
    this.introduced = false;
    const socket: ClientSocket = new ClientSocket(
      network,
      this.random,
      { address, from: `${customer}/${id}`, path: '/v1/device', key },
      {
        open: () => {},
        refused: () => this.ended(socket),
        message: (bytes, _isText, sentAt) => this.socket === socket && this.receive(bytes, sentAt),
        ping: () => this.socket === socket && this.hear(),
        closed: () => this.ended(socket),
      },
    );
    this.socket = socket;
    this.hear();
  }

  /** It takes a connection on which nothing came for 2.5 keepalives for dead, as P-7.1 lets the broker do. */
  private hear(): void {
    this.patience?.cancel();
    this.patience = this.parts.world.after(SILENCE, () => this.socket?.cut(), null);
  }

  private ended(socket: ClientSocket): void {
    if (this.socket !== socket) return;
    this.gone();
    if (this.state === 'off' || this.state === 'asleep') return;
    this.failures += 1;
    const most = Math.min(60_000, 1000 * 2 ** this.failures);
    this.connectIn(this.random.between(0, most));
  }

  private gone(): void {
    this.awaySince ??= this.parts.world.time;
    this.socket = null;
    this.introduced = false;
    this.parts.ears.disconnected(this);
    this.timer?.cancel();
    this.patience?.cancel();
  }

  private receive(bytes: Uint8Array, sentAt: number): void {
    this.hear();
    const frame = parseBrokerFrame(bytes);
    const received = { sentAt, bytes: bytes.length };
    if (!frame) throw new Error('the broker sent a frame that nobody knows');
    if (frame.kind === FRAME.welcome) this.greet(frame.session);
    else if (frame.kind === FRAME.ack) this.handleAck(frame.seq);
    else if (frame.kind === FRAME.command) this.executor.handleCommand(frame, received);
    else if (frame.kind === FRAME.desired) this.executor.handleDesired(frame, received);
    else this.executor.refused(frame);
  }

  private greet(session: string): void {
    this.session = session;
    const { judge } = this.parts;
    const { ackWithin, isPositional, isEager } = this.character;
    const { maxFrame } = this.executor.manners;
    this.heldBefore = judge.heldOf(this, this.boot);
    this.send(
      encodeHello({
        boot: this.bootNumber,
        model: 'box',
        ...(isPositional ? { fields: METRICS } : {}),
        ...(ackWithin === null ? {} : { ackWithin }),
        ...(maxFrame === null ? {} : { maxFrame }),
      }),
    );
    if (isEager) for (const { bytes } of this.outbox) this.send(bytes);
  }

  private handleAck(seq: number): void {
    const { judge } = this.parts;
    const dropped = this.outbox.filter((frame) => frame.seq <= seq).map((frame) => frame.seq);
    if (!this.introduced) judge.resumed(this, this.boot, seq, this.heldBefore);
    judge.acknowledged(this, this.boot, seq, dropped);
    this.acknowledged = Math.max(this.acknowledged, seq);
    this.outbox = this.outbox.filter((frame) => frame.seq > seq);
    this.executor.acknowledged(seq);
    if (this.introduced) return;
    this.introduced = true;
    this.state = 'connected';
    this.failures = 0;
    this.parts.ears.greeted(this);
    this.executor.greeted();
    for (const { bytes } of this.outbox) this.send(bytes);
  }

  private measureIn(): void {
    const { every } = this.character;
    const pause = this.random.between(every * 0.5, every * 1.5);
    this.measuring = this.parts.world.after(
      pause,
      () => {
        if (this.state === 'off') return;
        if (!this.calm) this.measure();
        this.measureIn();
      },
      null,
    );
  }

  private measure(): void {
    const { random, character } = this;
    if (this.state === 'asleep') return;
    if (random.chance(character.sleeps) && this.state === 'connected') {
      this.sleep();
      return;
    }
    const count = random.chance(0.05) ? random.whole(2, 20) : 1;
    for (let frame = 0; frame < count; frame += 1) this.add();
    if (!random.chance(character.repeats) || !this.introduced) return;
    for (const { bytes } of this.outbox) this.send(bytes);
  }

  private add(): void {
    const seq = this.nextSeq;
    this.nextSeq += 1;
    const bytes = this.frameOf(seq);
    this.outbox.push({ seq, bytes });
    // A device has so much memory; what falls out was never acknowledged.
    if (this.outbox.length > OUTBOX_FRAMES) this.outbox.shift();
    if (this.introduced) this.send(bytes);
  }

  private frameOf(seq: number): Uint8Array {
    const { random, character } = this;
    if (random.chance(character.events)) {
      return encodeEvent(seq, this.time(), random.whole(0, 7), 'happened', { n: this.measured });
    }
    if (!random.chance(character.batches)) return encodeTelemetry(seq, this.time(), this.sample());
    const samples = Array.from({ length: random.whole(1, 5) }, (_, index) => {
      return [index * 100, this.sample()] as const;
    });
    return encodeBatch(seq, this.time(), samples);
  }

  private sample(): ValueMap | (number | null)[] {
    this.measured += 1;
    const { random } = this;
    const temp = random.chance(0.9) ? Math.round(random.between(-40, 80) * 10) / 10 : null;
    const values = [this.measured, temp, random.whole(0, 3000)];
    if (this.character.isPositional) return values;
    return Object.fromEntries(values.map((value, index) => [METRICS[index], value]));
  }

  private time(): number | null {
    const { random, character } = this;
    if (random.chance(character.liesAboutTime)) {
      return random.pick([0, 1000, this.parts.wall() + 3_600_000, this.parts.wall() + 500_000]);
    }
    if (random.chance(character.stale)) return this.parts.wall() - random.whole(1000, 7_200_000);
    return random.pick([null, null, -50, this.parts.wall()]);
  }

  private sleep(): void {
    const seconds = this.random.whole(5, 600);
    const { socket } = this;
    this.state = 'asleep';
    socket?.close(1000, `sleep ${seconds}`);
    this.timer?.cancel();
    this.timer = this.parts.world.after(seconds * 1000, () => this.connectIn(0), null);
  }

  private send(bytes: Uint8Array): void {
    if (!this.socket?.isOpen) return;
    this.parts.world.note(this.name, 'sends', bytes, wordsOfFrame);
    this.socket.send(bytes);
  }
}
