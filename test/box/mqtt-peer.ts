/**
 * The simulated MQTT server (MQTT 5 or 3.1.1): keeps sessions, wills and what is retained, routes, and goes away in every manner. What it is told
 * it tells to `events`. Owns its connections and all that it holds; what it loses at a restart is said by who lets it go.
 */
import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import { PeerConnection } from './mqtt-connection.ts';
import type { ClientEnd, Network } from './network.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

export interface PeerEvents {
  /** A client was let in. */
  opened(connection: PeerConnection): void;
  /** A publication is here, and may still be lost. */
  arrived(connection: PeerConnection, packet: IPublishPacket): void;
  /** It is acknowledged, or came at QoS 0. */
  taken(connection: PeerConnection, packet: IPublishPacket): void;
  /** The client has acknowledged what was published to it. */
  delivered(publication: PeerPublication): void;
  /** A client says goodbye. */
  farewell(connection: PeerConnection): void;
  gone(connection: PeerConnection): void;
  /** What a client does is not MQTT. */
  wrong(message: string): void;
}

/** What somebody publishes to the server. */
export interface PeerPublication {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  /** MQTT 5. */
  readonly properties?: NonNullable<IPublishPacket['properties']>;
  /** How many connections it was written to. */
  writings: number;
}

export interface PeerCharacter {
  readonly version: 4 | 5;
  /** Messages that it takes unacknowledged. */
  readonly receiveMaximum: number;
  /** ms. */
  readonly ackDelay: readonly [least: number, most: number];
  /** ms until the will of one that is gone is published, at most. */
  readonly willDelay: number;
}

interface Subscription {
  readonly qos: number;
  readonly own: 'sent' | 'left out';
  readonly retain: 'as published' | 'cleared';
}

interface Session {
  readonly filters: Map<string, Subscription>;
  /** At QoS 1 and not acknowledged, by packet id, oldest first. */
  readonly open: Map<number, PeerPublication>;
  connection: PeerConnection | null;
  nextId: number;
}

/** What it forgets when it restarts. */
export type Forgets = 'nothing' | 'sessions' | 'retained' | 'all';

/** How fast it acknowledges. */
export type Acks = 'at once' | 'prompt' | 'slow' | 'none';

/** How it behaves while it is away. */
export type Absence = 'cut' | 'vanish' | 'refuse' | 'goodbye';

const UNACCEPTABLE_VERSION = 1;
const UNAVAILABLE = { 4: 3, 5: 136 } as const;
const SHUTTING_DOWN = 139;
const TAKEN_OVER = 142;

export class MqttPeer {
  readonly retained = new Map<string, string>();
  readonly character: PeerCharacter;
  private readonly address: string;
  private readonly network: Network;
  private readonly world: World;
  private readonly random: SeededRandom;
  private readonly events: PeerEvents;
  private readonly sessions = new Map<string, Session>();
  private readonly connections = new Set<PeerConnection>();
  acks: Acks = 'prompt';
  /** When a will was published last; virtual ms. */
  willAt = Number.NEGATIVE_INFINITY;
  private absence: Absence | null = null;

  constructor(parts: {
    world: World;
    network: Network;
    random: SeededRandom;
    address: string;
    character: PeerCharacter;
    events: PeerEvents;
  }) {
    this.world = parts.world;
    this.network = parts.network;
    this.random = parts.random;
    this.address = parts.address;
    this.character = parts.character;
    this.events = parts.events;
  }

  start(): void {
    this.network.serve(this.address, (end) => this.accept(end));
  }

  /** How fast it acknowledges from now on. */
  acknowledge(how: Acks): void {
    this.acks = how;
    for (const connection of this.connections) connection.pump();
  }

  /** It goes, and loses what `forgets` says. */
  leave(how: Absence, forgets: Forgets): void {
    this.absence = how;
    if (how === 'cut' || how === 'goodbye') this.network.serve(this.address, null);
    for (const connection of [...this.connections]) {
      // One that stops publishes no will.
      connection.will = null;
      if (how === 'vanish') connection.vanish();
      else if (how === 'goodbye') this.sayGoodbye(connection);
      else connection.cut();
    }
    if (forgets === 'sessions' || forgets === 'all') this.sessions.clear();
    if (forgets === 'retained' || forgets === 'all') this.retained.clear();
  }

  /** It is there again. */
  comeBack(): void {
    this.absence = null;
    this.start();
    // Those that came while it answered nobody are lost.
    for (const connection of [...this.connections]) if (connection.state === 'new') connection.cut();
  }

  /** Its clients are cut off, and may come back at once. */
  cut(): void {
    for (const connection of [...this.connections]) connection.cut();
  }

  /** Whether anybody will get it, now or when it is back. */
  publish(publication: PeerPublication): boolean {
    if (this.absence !== null) return false;
    return this.route(publication, null);
  }

  /** Whether it is still to be acknowledged by somebody. */
  holds(publication: PeerPublication): boolean {
    for (const { open } of this.sessions.values()) {
      for (const one of open.values()) if (one === publication) return true;
    }
    return false;
  }

  private sayGoodbye(connection: PeerConnection): void {
    if (connection.version === 5) connection.send({ cmd: 'disconnect', reasonCode: SHUTTING_DOWN });
    connection.end();
  }

  private accept(end: ClientEnd) {
    const { world, events } = this;
    const connection = new PeerConnection({
      world,
      end,
      ackDelay: () => this.ackDelay(),
      events: {
        connect: (from, packet) => this.connect(from, packet),
        arrived: (from, packet) => events.arrived(from, packet),
        taken: (from, packet) => this.take(from, packet),
        received: (from, packet) => this.receive(from, packet),
        wrong: (from, message) => {
          events.wrong(message);
          from.cut();
        },
        gone: (one) => this.gone(one),
      },
    });
    this.connections.add(connection);
    return {
      data: (bytes: Uint8Array) => {
        if (this.absence !== 'vanish') connection.push(bytes);
      },
      closed: () => connection.leave(),
    };
  }

  private ackDelay(): number | null {
    if (this.acks === 'none') return null;
    if (this.acks === 'at once') return 0;
    const [least, most] = this.acks === 'slow' ? [500, 8000] : this.character.ackDelay;
    return this.random.between(least, most);
  }

  private connect(connection: PeerConnection, packet: IConnectPacket): void {
    const { version, receiveMaximum } = this.character;
    const asked = packet.protocolVersion === 5 ? 5 : 4;
    connection.version = asked;
    if (asked > version) {
      connection.version = 4;
      this.refuse(connection, UNACCEPTABLE_VERSION);
    } else if (this.absence === 'refuse') this.refuse(connection, UNAVAILABLE[asked]);
    else {
      const { session, isPresent } = this.sessionOf(connection, packet);
      connection.open(packet.keepalive ?? 0);
      const properties = asked === 5 ? { properties: { receiveMaximum } } : {};
      const code = asked === 5 ? { reasonCode: 0 } : { returnCode: 0 };
      connection.send({ cmd: 'connack', sessionPresent: isPresent, ...code, ...properties });
      this.events.opened(connection);
      for (const [id, publication] of session.open) this.write(connection, publication, id, session);
    }
  }

  private refuse(connection: PeerConnection, code: number): void {
    const answer = connection.version === 5 ? { reasonCode: code } : { returnCode: code };
    connection.send({ cmd: 'connack', sessionPresent: false, ...answer });
    connection.end();
  }

  /** A client's older connection gives way. */
  private sessionOf(connection: PeerConnection, packet: IConnectPacket) {
    connection.clientId = packet.clientId;
    connection.will = packet.will ?? null;
    const known = this.sessions.get(packet.clientId);
    if (known?.connection) {
      known.connection.send({ cmd: 'disconnect', reasonCode: TAKEN_OVER });
      known.connection.end();
    }
    const isPresent = known !== undefined && packet.clean !== true;
    const session: Session = isPresent
      ? known
      : { filters: new Map(), open: new Map(), connection: null, nextId: 0 };
    session.connection = connection;
    this.sessions.set(packet.clientId, session);
    return { session, isPresent };
  }

  private gone(connection: PeerConnection): void {
    this.connections.delete(connection);
    const session = this.sessions.get(connection.clientId);
    if (session?.connection === connection) {
      session.connection = null;
      if (connection.version === 4) this.sessions.delete(connection.clientId);
    }
    this.events.gone(connection);
    const { will } = connection;
    if (!will) return;
    const { topic, retain = false } = will;
    const publication = { topic, payload: String(will.payload), retain, writings: 0 };
    const delay = this.random.between(0, this.character.willDelay);
    const publish = () => {
      if (this.absence !== null) return;
      this.willAt = this.world.time;
      this.route(publication, connection.clientId);
    };
    this.world.after(delay, publish, null);
  }

  private take(connection: PeerConnection, packet: IPublishPacket): void {
    const { topic, payload, retain } = packet;
    this.events.taken(connection, packet);
    this.route({ topic, payload: String(payload), retain, writings: 0 }, connection.clientId);
  }

  private receive(connection: PeerConnection, packet: Packet): void {
    const session = this.sessions.get(connection.clientId);
    if (packet.cmd === 'pingreq') connection.send({ cmd: 'pingresp' });
    else if (packet.cmd === 'subscribe' && session) this.subscribe(connection, session, packet);
    else if (packet.cmd === 'unsubscribe' && session) {
      for (const filter of packet.unsubscriptions) session.filters.delete(filter);
      const { messageId = 0, unsubscriptions } = packet;
      connection.send({ cmd: 'unsuback', messageId, granted: unsubscriptions.map(() => 0) });
    } else if (packet.cmd === 'puback' && session) this.delivered(session, packet.messageId ?? 0);
    else if (packet.cmd === 'disconnect') {
      connection.will = null;
      connection.farewell = 'said';
      this.events.farewell(connection);
      connection.end();
    } else this.events.wrong(`${packet.cmd} of a client`);
  }

  private delivered(session: Session, id: number): void {
    const publication = session.open.get(id);
    session.open.delete(id);
    if (publication) this.events.delivered(publication);
    else this.events.wrong(`an acknowledgement of ${id}, which was not sent`);
  }

  private subscribe(connection: PeerConnection, session: Session, packet: ISubscribePacket): void {
    const { messageId = 0, subscriptions } = packet;
    connection.send({ cmd: 'suback', messageId, granted: subscriptions.map(({ qos }) => qos) });
    for (const { topic: filter, qos, nl, rap } of subscriptions) {
      session.filters.set(filter, {
        qos,
        own: nl === true ? 'left out' : 'sent',
        retain: rap === true ? 'as published' : 'cleared',
      });
      for (const [topic, payload] of this.retained) {
        if (!matches(filter, topic)) continue;
        this.deliver(session, { topic, payload, retain: true, writings: 0 }, qos);
      }
    }
  }

  /** To all who subscribe. `from`: the client that published it. Whether anybody does. */
  private route(publication: PeerPublication, from: string | null): boolean {
    const { topic, payload, retain } = publication;
    if (retain && payload === '') this.retained.delete(topic);
    else if (retain) this.retained.set(topic, payload);
    let isWanted = false;
    for (const [clientId, session] of this.sessions) {
      for (const [filter, subscription] of session.filters) {
        if (!matches(filter, topic) || (clientId === from && subscription.own === 'left out')) continue;
        const isRetained = retain && subscription.retain === 'as published';
        const one = isRetained === retain ? publication : { ...publication, retain: false };
        this.deliver(session, one, subscription.qos);
        isWanted = true;
        break;
      }
    }
    return isWanted;
  }

  private deliver(session: Session, publication: PeerPublication, qos: number): void {
    const { connection } = session;
    if (qos === 0) {
      if (connection) this.write(connection, publication, 0, session);
      return;
    }
    session.nextId = (session.nextId % 65_535) + 1;
    session.open.set(session.nextId, publication);
    if (connection) this.write(connection, publication, session.nextId, session);
  }

  /** `id` 0: at QoS 0. */
  private write(
    connection: PeerConnection,
    publication: PeerPublication,
    id: number,
    { open }: Session,
  ): void {
    const { topic, payload, retain, properties } = publication;
    const dup = open.has(id) && publication.writings > 0;
    publication.writings += 1;
    connection.send({
      cmd: 'publish',
      ...{ topic, payload, retain, dup },
      ...(id > 0 ? { qos: 1, messageId: id } : { qos: 0 }),
      ...(properties && connection.version === 5 ? { properties } : {}),
    });
  }
}

/** MQTT, section 4.7. */
function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const parts = topic.split('/');
  for (const [index, part] of wanted.entries()) {
    if (part === '#') return true;
    if (part !== '+' && part !== parts[index]) return false;
    if (index >= parts.length) return false;
  }
  return wanted.length === parts.length;
}
