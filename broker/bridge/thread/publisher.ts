/**
 * Publishes messages of the log and messages from elsewhere by turns, as many as the window and the socket take.
 * `Publisher` owns the window, the queue of messages from elsewhere and the counts. `NewestMessages` serves routes of
 * which only a topic's newest message is wanted: it owns the messages that wait, bounded in bytes, and replaces a message
 * that a newer one follows.
 */
import type { Clock } from '../../base/clock.ts';
import type { Position } from '../../store/position.ts';
import type { PublishProgress, UnpublishedReason } from '../messages.ts';
import type { MqttConnection, PeerHello } from '../mqtt/connection.ts';
import { packetBytes } from '../mqtt/publish-writer.ts';
import {
  type LogMessage,
  LogMessages,
  type LogRoutes,
  type MessageSource,
  type RecordPortion,
} from './log-messages.ts';
import { MAX_IN_FLIGHT, type Message, Window } from './window.ts';

export class NewestMessages implements MessageSource {
  private readonly source: MessageSource;
  private readonly maxBytes: number;
  private readonly replaced: () => void;
  /** By topic; messages that are not to be replaced by a running number. */
  private readonly waiting = new Map<string | number, LogMessage>();
  /** One for all takes: beginning anew would walk over everything that was taken. */
  private keys = this.waiting.keys();
  private bytes = 0;
  private count = 0;

  /** `replaced` is called for each message that gives way to a newer one. */
  constructor(parts: { source: MessageSource; maxBytes: number; replaced: () => void }) {
    this.source = parts.source;
    this.maxBytes = parts.maxBytes;
    this.replaced = parts.replaced;
  }

  /** The record of the oldest that waits; null: none does. */
  get position(): Position | null {
    for (const { position } of this.waiting.values()) return position;
    return null;
  }

  /** Takes in what the source has, as far as there is room. */
  fill(): void {
    while (this.bytes < this.maxBytes) {
      const message = this.source.next();
      if (!message) return;
      this.put(message);
    }
  }

  next(): LogMessage | null {
    this.fill();
    let key = this.keys.next();
    if (key.done) {
      this.keys = this.waiting.keys();
      key = this.keys.next();
    }
    return key.done ? null : this.remove(key.value);
  }

  private put(message: LogMessage): void {
    this.count += 1;
    const key = message.mode === 'newest' ? message.topic : this.count;
    // Put in anew instead of in place: the order stays that of the records.
    if (this.remove(key)) this.replaced();
    this.waiting.set(key, message);
    this.bytes += bytesOf(message);
  }

  private remove(key: string | number): LogMessage | null {
    const message = this.waiting.get(key);
    if (!message) return null;
    this.waiting.delete(key);
    this.bytes -= bytesOf(message);
    return message;
  }
}

function bytesOf({ topic, payload }: LogMessage): number {
  return topic.length + payload.length;
}

export interface PublisherParts {
  readonly baseTopic: string;
  readonly routes: LogRoutes;
  readonly inFlight: number;
  /** The open connection; null: none. */
  readonly connection: () => MqttConnection | null;
  /** The peer has refused a message, with the reason code of MQTT 5. */
  readonly refused: (topic: string, reason: number) => void;
  readonly clock: Clock;
}

const WINDOW_BYTES = 8 * 1024 * 1024;
const NEWEST_BYTES = 8 * 1024 * 1024;
/** Gathered packets that go to the socket before the turn is over. */
const FLUSH_BYTES = 64 * 1024;
/** MQTT 5: from here on a PUBACK says that the message was not taken. */
const REFUSED = 128;

export class Publisher {
  private readonly parts: PublisherParts;
  private readonly window: Window;
  private readonly log: LogMessages;
  private readonly newest: NewestMessages | null;
  private readonly source: MessageSource;
  private others: Message[] = [];
  private turn: 'log' | 'others' = 'others';
  private hello: PeerHello | null = null;
  private state: 'publishing' | 'ending' = 'publishing';
  /**
   * Messages on their way at once. After a connection that ended before it acknowledged anything it begins at one and
   * doubles: some servers hang up over a message that they refuse, and then it must be known which.
   */
  private trust = MAX_IN_FLIGHT;
  private proved: 'yes' | 'no' = 'yes';
  private sent = 0;
  private repeated = 0;
  private othersSent = 0;
  private readonly dropped: Record<UnpublishedReason, number> = {
    superseded: 0,
    unreadable: 0,
    'too-large': 0,
    refused: 0,
  };

  constructor(parts: PublisherParts) {
    this.parts = parts;
    this.window = new Window(parts.inFlight, WINDOW_BYTES);
    const { baseTopic, routes } = parts;
    this.log = new LogMessages({ baseTopic, routes, unreadable: () => this.drop('unreadable') });
    const wantsNewest = routes.telemetry.mode === 'newest' || routes.event.mode === 'newest';
    const replaced = () => this.drop('superseded');
    this.newest = wantsNewest
      ? new NewestMessages({ source: this.log, maxBytes: NEWEST_BYTES, replaced })
      : null;
    this.source = this.newest ?? this.log;
  }

  get progress(): PublishProgress {
    const { sent, repeated, othersSent: others, dropped, window } = this;
    const read = this.log.position;
    // The window holds what was taken before what waits.
    const done = window.position ?? this.newest?.position ?? read;
    return { done, read, inFlight: window.size, sent, repeated, others, dropped: { ...dropped } };
  }

  /** Messages of the log that the peer has acknowledged since that report. */
  sentSince(earlier: PublishProgress | null): number {
    return this.sent - (earlier?.sent ?? 0);
  }

  /** When the oldest message on its way was written, monotonic ms; null: none is. */
  get waitingSince(): number | null {
    return this.window.oldestSentAt;
  }

  /** Nothing is on its way, and nothing from elsewhere waits. */
  get idle(): boolean {
    return this.window.size === 0 && this.others.length === 0;
  }

  addRecords(portion: RecordPortion): void {
    this.log.add(portion);
    this.newest?.fill();
  }

  /** Bounded by who calls: it hears of each when it is settled. */
  addOthers(messages: readonly Message[]): void {
    this.others.push(...messages);
  }

  /** Before what waits, instead of what waits of the same topic. */
  addFirst(message: Message): void {
    this.others = [message, ...this.others.filter(({ topic }) => topic !== message.topic)];
  }

  /** A new connection: what was on its way is written again, in order. */
  connected(hello: PeerHello): void {
    this.hello = hello;
    this.window.rewind();
    if (this.proved === 'no' || this.trust < this.limit(hello)) this.trust = 1;
    this.proved = 'no';
  }

  /** From now on only messages from elsewhere. */
  end(): void {
    this.state = 'ending';
  }

  acknowledged(id: number, reason: number): void {
    const message = this.window.acknowledge(id);
    if (!message) return;
    this.proved = 'yes';
    this.trust = Math.min(MAX_IN_FLIGHT, this.trust * 2);
    if (reason >= REFUSED) {
      this.drop('refused');
      this.parts.refused(message.topic, reason);
    } else this.count(message);
    message.settled?.();
  }

  /** Writes what can be written now. */
  pump(): void {
    const connection = this.parts.connection();
    const { hello } = this;
    if (!connection || !hello) return;
    const now = this.parts.clock.monotonic();
    while (connection.writable && this.step(connection, hello, now)) {
      if (connection.pending >= FLUSH_BYTES) connection.flush();
    }
    connection.flush();
  }

  /** false: nothing can be written now. */
  private step(connection: MqttConnection, hello: PeerHello, now: number): boolean {
    const limit = Math.min(this.limit(hello), this.trust);
    const due = this.window.write(limit, now);
    if (due) {
      const { message, id, deliveries } = due;
      if (deliveries > 1) this.repeated += 1;
      connection.write(message, id, deliveries > 1 && hello.sessionPresent ? 'again' : 'first');
      return true;
    }
    if (!this.window.hasRoom(limit)) return false;
    const next = this.next();
    if (next) this.enqueue(connection, hello, next);
    return next !== null;
  }

  private enqueue(connection: MqttConnection, hello: PeerHello, next: Message): void {
    const message = within(next, hello);
    if (packetBytes(message, hello.version) > hello.packetBytes) {
      this.drop('too-large');
      message.settled?.();
    } else if (message.qos === 1) this.window.add(message);
    else {
      connection.write(message, 0, 'first');
      this.count(message);
      message.settled?.();
    }
  }

  private limit({ receiveMaximum }: PeerHello): number {
    return Math.min(receiveMaximum, this.parts.inFlight);
  }

  /** By turns, so that neither a backlog nor a whole fleet's state keeps the other waiting. */
  private next(): Message | null {
    if (this.state === 'ending') return this.others.shift() ?? null;
    this.turn = this.turn === 'log' ? 'others' : 'log';
    if (this.turn === 'others') return this.others.shift() ?? this.source.next();
    return this.source.next() ?? this.others.shift() ?? null;
  }

  private count({ position }: Message): void {
    if (position === null) this.othersSent += 1;
    else this.sent += 1;
  }

  private drop(reason: UnpublishedReason): void {
    this.dropped[reason] += 1;
  }
}

/** As much as the peer says it can do. */
function within(message: Message, { maximumQos, retainAvailable }: PeerHello): Message {
  const { qos, retain } = message;
  if (qos <= maximumQos && (retainAvailable || !retain)) return message;
  return { ...message, qos: Math.min(qos, maximumQos) as 0 | 1, retain: retain && retainAvailable };
}
