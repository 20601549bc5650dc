/**
 * One connection to the simulated MQTT server, seen from the server: packets come in and go out, and each publication is taken and acknowledged
 * in the order in which it came, when its time has come. Owns what came and is not acknowledged, the client's will, and its keepalive.
 */
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from 'mqtt-packet';
import type { Timer } from '../../broker/base/clock.ts';
import type { ClientEnd } from './network.ts';
import type { World } from './world.ts';

export interface PeerConnectionParts {
  readonly world: World;
  readonly end: ClientEnd;
  /** ms until what comes now is acknowledged; null: it waits until it is asked for. */
  readonly ackDelay: () => number | null;
  readonly events: PeerConnectionEvents;
}

export interface PeerConnectionEvents {
  connect(connection: PeerConnection, packet: IConnectPacket): void;
  /** It is here, and the server may still lose it. */
  arrived(connection: PeerConnection, packet: IPublishPacket): void;
  /** It is acknowledged, or came at QoS 0. */
  taken(connection: PeerConnection, packet: IPublishPacket): void;
  /** Any other packet. */
  received(connection: PeerConnection, packet: Packet): void;
  wrong(connection: PeerConnection, message: string): void;
  gone(connection: PeerConnection): void;
}

interface Arrived {
  readonly packet: IPublishPacket;
  readonly due: number;
}

export class PeerConnection {
  clientId = '';
  version: 4 | 5 = 5;
  will: IConnectPacket['will'] | null = null;
  /** What its client says of itself when it goes. */
  farewell: 'none' | 'said' = 'none';
  state: 'new' | 'open' | 'gone' = 'new';
  private readonly parts: PeerConnectionParts;
  private readonly parser = mqttPacket.parser();
  private waiting: Arrived[] = [];
  private pumping: Timer | null = null;
  private keepalive = 0;
  private heardAt = 0;
  private patience: Timer | null = null;

  constructor(parts: PeerConnectionParts) {
    this.parts = parts;
    this.heardAt = parts.world.time;
    this.parser.on('packet', (packet) => this.receive(packet));
    this.parser.on('error', (error: Error) => parts.events.wrong(this, error.message));
  }

  /** Publications that came and are not acknowledged. */
  get unacknowledged(): number {
    return this.waiting.length;
  }

  push(bytes: Uint8Array): void {
    this.heardAt = this.parts.world.time;
    if (this.state !== 'gone') this.parser.parse(Buffer.from(bytes));
  }

  send(packet: Packet): void {
    if (this.state === 'gone') return;
    this.parts.end.write(mqttPacket.generate(packet, { protocolVersion: this.version }));
  }

  open(keepalive: number): void {
    this.state = 'open';
    this.keepalive = keepalive * 1500;
    if (keepalive > 0) this.watch();
  }

  /** Acknowledges what is due, and goes on when the next is. */
  pump(): void {
    this.pumping?.cancel();
    this.pumping = null;
    const { world, ackDelay, events } = this.parts;
    if (this.state === 'gone' || ackDelay() === null) return;
    while (this.waiting[0] && this.waiting[0].due <= world.time) {
      const { packet } = this.waiting.shift() as Arrived;
      const { messageId = 0 } = packet;
      this.send({ cmd: 'puback', messageId, reasonCode: 0 });
      events.taken(this, packet);
    }
    const next = this.waiting[0];
    if (next) this.pumping = world.after(next.due - world.time, () => this.pump(), null);
  }

  /** Its bytes reach nobody any more, as if it were dead; nobody is told. */
  vanish(): void {
    this.parts.end.vanish();
    this.leave();
  }

  cut(): void {
    this.parts.end.cut();
    this.leave();
  }

  /** After what was written. */
  end(): void {
    this.parts.end.end();
    this.leave();
  }

  /** It is over, whoever ended it. Idempotent. */
  leave(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.patience?.cancel();
    this.pumping?.cancel();
    this.waiting = [];
    this.parts.events.gone(this);
  }

  private receive(packet: Packet): void {
    const { events, world, ackDelay } = this.parts;
    if (this.state === 'gone') return;
    if (packet.cmd === 'connect') events.connect(this, packet);
    else if (this.state === 'new') events.wrong(this, `${packet.cmd} before connect`);
    else if (packet.cmd !== 'publish') events.received(this, packet);
    else {
      if (packet.qos > 0) {
        const due = Math.max(this.waiting.at(-1)?.due ?? 0, world.time + (ackDelay() ?? 0));
        this.waiting.push({ packet, due });
        this.pumping ??= world.after(due - world.time, () => this.pump(), null);
      }
      events.arrived(this, packet);
      if (packet.qos === 0) events.taken(this, packet);
    }
  }

  /** MQTT, section 3.1.2.10: a client that is silent for one and a half of its keepalives is gone. */
  private watch(): void {
    const { world } = this.parts;
    this.patience = world.after(
      this.heardAt + this.keepalive - world.time,
      () => {
        if (world.time >= this.heardAt + this.keepalive) this.cut();
        else this.watch();
      },
      null,
    );
  }
}
