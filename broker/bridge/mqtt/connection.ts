/**
 * One connection to the MQTT server, from the attempt to its end. mqtt.js speaks MQTT here (connect, will, pings,
 * subscriptions, messages of the server); the bridge's own publications go past it (peer-stream.ts). Owns the client, and
 * the packet ids of its subscriptions: they lie above those of the window, so the two never meet (MQTT, section 2.2.1).
 */
import { type IClientOptions, type IConnackPacket, type IPublishPacket, MqttClient, ReasonCodes } from 'mqtt';
import { MAX_IN_FLIGHT } from '../thread/window.ts';
import type { Dial, ServerAddress, TlsFiles } from './addresses.ts';
import { PeerStream } from './peer-stream.ts';
import { type ProtocolVersion, type Publication, PublishWriter } from './publish-writer.ts';

type MessageIdProvider = NonNullable<IClientOptions['messageIdProvider']>;

const FIRST = MAX_IN_FLIGHT + 1;
const LAST = 65_535;

class PacketIds implements MessageIdProvider {
  private readonly used = new Set<number>();
  private last = FIRST - 1;

  /** null: all are in use. */
  allocate(): number | null {
    for (let tries = FIRST; tries <= LAST; tries += 1) {
      this.last = this.last === LAST ? FIRST : this.last + 1;
      if (this.register(this.last)) return this.last;
    }
    return null;
  }

  getLastAllocated(): number | null {
    return this.last < FIRST ? null : this.last;
  }

  /** false: it is in use. */
  register(id: number): boolean {
    if (this.used.has(id)) return false;
    this.used.add(id);
    return true;
  }

  deallocate(id: number): void {
    this.used.delete(id);
  }

  clear(): void {
    this.used.clear();
  }
}

export interface MqttConnectionOptions {
  /** Opens the byte stream. */
  readonly dial: Dial;
  readonly address: ServerAddress;
  readonly tls: TlsFiles;
  readonly version: ProtocolVersion;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly keepaliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly will: { readonly topic: string; readonly payload: string };
}

/** What the peer said when it let us in; its bounds (MQTT 5, 3.2.2.3). */
export interface PeerHello {
  readonly version: ProtocolVersion;
  readonly sessionPresent: boolean;
  readonly receiveMaximum: number;
  readonly packetBytes: number;
  readonly maximumQos: 0 | 1;
  readonly retainAvailable: boolean;
}

/** A message of the peer. */
export interface PeerMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  readonly responseTopic: string | null;
  readonly correlationData: Uint8Array | null;
  readonly messageExpiry: number | null;
}

export interface MqttConnectionFailure {
  /** For people; holds no credentials. */
  readonly message: string;
  /** `version`: another version may be spoken here. `peer`: it, or the way to it, failed. */
  readonly cause: 'version' | 'peer';
}

export interface MqttConnectionEvents {
  opened(hello: PeerHello): void;
  acknowledged(id: number, reason: number): void;
  /** After each piece of bytes from the peer. */
  received(): void;
  /** The socket takes packets again. */
  drained(): void;
  /** The peer's message is acknowledged when this resolves. */
  message(message: PeerMessage): Promise<void>;
  /** Once; nothing comes after it. */
  closed(failure: MqttConnectionFailure): void;
}

export interface SubscriptionOptions {
  readonly qos: 0 | 1;
  readonly from: 'all' | 'others';
  readonly retain: 'as-held' | 'as-published';
}

/** The largest packet that is taken from a peer. */
const PACKET_BYTES = 1024 * 1024;
/** QoS 1 messages of the peer that are not acknowledged. */
const RECEIVE_MAXIMUM = 256;
const CONNECT_MS = 10_000;
/** CONNACK: the version is unacceptable, in MQTT 3.1.1 and 5. */
const VERSION_REFUSED: readonly unknown[] = [1, 132];
/** Some old servers answer a version that they do not know by hanging up. */
const HANGING_UP: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

export class MqttConnection {
  private readonly options: MqttConnectionOptions;
  private readonly events: MqttConnectionEvents;
  private readonly writer: PublishWriter;
  private client: MqttClient | null = null;
  private stream: PeerStream | null = null;
  private state: 'new' | 'connecting' | 'open' | 'closed' = 'new';
  private failure: MqttConnectionFailure | null = null;
  /** The socket has more than it can take. */
  private congested = false;

  constructor(options: MqttConnectionOptions, events: MqttConnectionEvents) {
    this.options = options;
    this.events = events;
    this.writer = new PublishWriter(options.version);
  }

  get open(): boolean {
    return this.state === 'open';
  }

  get writable(): boolean {
    return this.state === 'open' && !this.congested;
  }

  /** Fails by `closed`, never by throwing. */
  connect(): void {
    const { address, tls, dial } = this.options;
    this.state = 'connecting';
    try {
      const socket = dial({ address, tls, messageBytes: 2 * PACKET_BYTES });
      this.speak(this.wrap(socket));
    } catch (error) {
      this.state = 'closed';
      const message = (error as Error).message;
      queueMicrotask(() => this.events.closed({ message, cause: 'peer' }));
    }
  }

  /** Gathers one PUBLISH; `flush` sends. */
  write(publication: Publication, id: number, delivery: 'first' | 'again'): void {
    this.writer.write(publication, id, delivery);
  }

  /** Gathered bytes that are not sent. */
  get pending(): number {
    return this.writer.pending;
  }

  flush(): void {
    const packets = this.writer.drain();
    if (packets && this.stream && this.state === 'open') this.congested = !this.stream.send(packets);
  }

  /**
   * Asks for a filter; what comes of it comes as `message`. MQTT 5 only: `others` is not what this client publishes, and with
   * `as-published` a message that was published as retained says so also when it arrives live.
   */
  subscribe(
    filter: string,
    { qos, from, retain }: SubscriptionOptions,
    refused: (message: string) => void,
  ): void {
    const options = { qos, nl: from === 'others', rap: retain === 'as-published' };
    this.client?.subscribe(filter, options, (error) => {
      // Without a reason code it was the end of the connection that ended the wait.
      if (error && 'code' in error) refused(error.message);
    });
  }

  unsubscribe(filter: string): void {
    this.client?.unsubscribe(filter);
  }

  /** Leaves the peer at once, because of what is wrong with it. */
  fail(message: string): void {
    this.failure ??= { message, cause: 'peer' };
    this.stream?.destroy();
  }

  /** Says goodbye: no will is published. `closed` follows. */
  end(): void {
    this.failure ??= { message: 'The bridge has stopped.', cause: 'peer' };
    if (this.state === 'open') this.client?.end(false);
    else this.stream?.destroy();
  }

  private wrap(socket: ReturnType<Dial>): PeerStream {
    const { acknowledged, received } = this.events;
    return new PeerStream({
      socket,
      packetBytes: PACKET_BYTES,
      acknowledged: (id, reason) => acknowledged(id, reason),
      received: () => received(),
      drained: () => {
        this.congested = false;
        this.events.drained();
      },
    });
  }

  private speak(stream: PeerStream): void {
    this.stream = stream;
    stream.on('error', (error) => this.noteError(error));
    const client = new MqttClient(() => stream, this.clientOptions());
    this.client = client;
    client.on('connect', (connack) => this.opened(connack));
    client.on('error', (error) => {
      this.noteError(error);
      stream.destroy();
    });
    client.on('disconnect', ({ reasonCode = 0 }) => {
      this.fail(
        `it ended the connection: ${ReasonCodes[reasonCode as keyof typeof ReasonCodes] || reasonCode}`,
      );
    });
    client.on('close', () => this.closed());
    client.handleMessage = (packet, done) => this.receive(packet, done);
  }

  private clientOptions(): IClientOptions {
    const { options } = this;
    const credentials = options.address.credentials ?? options;
    const isFive = options.version === 5;
    const { username, password } = credentials;
    return {
      protocolId: 'MQTT',
      protocolVersion: options.version,
      clientId: options.clientId,
      // MQTT 3.1.1 has no expiry: a session kept there would bring commands of last week.
      clean: !isFive,
      keepalive: options.keepaliveSeconds,
      reschedulePings: false,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      writeCache: false,
      messageIdProvider: new PacketIds(),
      will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
      ...(username !== '' && { username }),
      ...(password !== '' && { password }),
      ...(isFive && {
        properties: {
          sessionExpiryInterval: options.sessionExpirySeconds,
          receiveMaximum: RECEIVE_MAXIMUM,
          maximumPacketSize: PACKET_BYTES,
        },
      }),
    };
  }

  private opened({ sessionPresent, properties = {} }: IConnackPacket): void {
    this.state = 'open';
    this.events.opened({
      version: this.options.version,
      sessionPresent,
      receiveMaximum: properties.receiveMaximum ?? 65_535,
      packetBytes: properties.maximumPacketSize ?? 268_435_455,
      maximumQos: properties.maximumQoS === 0 ? 0 : 1,
      retainAvailable: properties.retainAvailable !== false,
    });
  }

  private receive(packet: IPublishPacket, done: (error?: Error) => void): void {
    const { topic, payload, retain, properties = {} } = packet;
    const message = {
      topic,
      payload: Buffer.from(payload),
      retain,
      responseTopic: properties.responseTopic ?? null,
      correlationData: properties.correlationData ?? null,
      messageExpiry: properties.messageExpiryInterval ?? null,
    };
    this.events.message(message).then(
      () => done(),
      (error: unknown) => this.fail(`a message was not handled: ${String(error)}`),
    );
  }

  /** The first error tells most. */
  private noteError(error: Error & { code?: unknown }): void {
    const silent = this.state === 'connecting' && HANGING_UP.includes(error.code);
    const cause = silent || VERSION_REFUSED.includes(error.code) ? 'version' : 'peer';
    // Node tells of several addresses that failed by their code alone.
    this.failure ??= { message: error.message || String(error.code), cause };
  }

  private closed(): void {
    if (this.state === 'closed') return;
    const silent = this.state === 'connecting' && this.failure === null;
    this.state = 'closed';
    const otherwise: MqttConnectionFailure = silent
      ? { message: 'it closed the connection before it said anything', cause: 'version' }
      : { message: 'it closed the connection', cause: 'peer' };
    this.events.closed(this.failure ?? otherwise);
  }
}
