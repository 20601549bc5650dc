/**
 * Accepts commands that come over MQTT (docs/mqtt.md): turns topic and payload into a request to the hub, and publishes
 * steps and results. A bad command gets an error result that says what to do. A retained one is refused, since the server
 * would repeat it at every connect. So is one whose response topic would make the bridge publish a command, a device's
 * state, its own status or a discovery message: the bridge's rights on the server are usually wider than the sender's.
 * `CommandIntake` owns the counts of commands; `RefusalRecords` owns each customer's refusals of the minute, so that a
 * flood of nonsense neither fills the audit nor hides what is refused to others.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type Command, type CommandRequest, isFinal, type ReplyAddress } from '../hub/commands/command.ts';
import type { CommandService } from '../hub/commands/commands.ts';
import { type JsonValue, parseValue, toJson } from '../hub/json.ts';
import { HubRefusal } from '../hub/refusal.ts';
import type { Value } from '../wire/frames.ts';
import type { PeerMessage } from './mqtt/connection.ts';
import { type CommandTopic, commandResultTopic, isBelow, parseCommandTopic } from './topics.ts';

export interface RefusalRecordsParts<Refusal> {
  readonly clock: Clock;
  readonly record: (refusal: Refusal) => void;
  /** At the end of a minute in which there were more. */
  readonly leftOut: (count: number) => void;
}

const MINUTE = 60_000;
/** Of one customer on record one by one, in a minute. */
const EACH = 30;

export class RefusalRecords<Refusal> {
  private readonly parts: RefusalRecordsParts<Refusal>;
  /** By customer. */
  private readonly counts = new Map<string, number>();
  private timer: Timer | null = null;

  constructor(parts: RefusalRecordsParts<Refusal>) {
    this.parts = parts;
  }

  /** `customer`: whose it is; one name for all that nobody knows, which the sender may make up. */
  add(refusal: Refusal, customer: string): void {
    this.timer ??= this.parts.clock.after(MINUTE, () => this.close());
    const count = (this.counts.get(customer) ?? 0) + 1;
    this.counts.set(customer, count);
    if (count <= EACH) this.parts.record(refusal);
  }

  /** Says what was left out so far. Idempotent. */
  stop(): void {
    this.close();
  }

  private close(): void {
    this.timer?.cancel();
    this.timer = null;
    const more = [...this.counts.values()].reduce((sum, count) => sum + Math.max(0, count - EACH), 0);
    this.counts.clear();
    if (more > 0) this.parts.leftOut(more);
  }
}

export interface ResponseRules {
  readonly baseTopic: string;
  /** Of Home Assistant's discovery. */
  readonly discoveryPrefix: string;
}

/** Topic and correlation data are kept with the command, in memory and on disk. */
const REPLY_LIMITS = { topicBytes: 1024, correlationBytes: 1024 } as const;

/** What is wrong with a response topic, in a sentence; null: nothing. `own`: where the result goes anyway. */
function wrongResponseTopic(topic: string, own: string, rules: ResponseRules): string | null {
  if (topic === '') return 'The response topic is empty.';
  if (Buffer.byteLength(topic) > REPLY_LIMITS.topicBytes) {
    return `The response topic has more than ${REPLY_LIMITS.topicBytes} bytes.`;
  }
  if (/[+#\0]/.test(topic)) return 'The response topic has a wildcard or NUL in it (MQTT 5, 3.3.2.3.5).';
  if (topic.startsWith('$')) return "The response topic begins with $, which is the server's.";
  if (isBelow(topic, rules.baseTopic) && topic !== own) {
    return `The response topic is under ${rules.baseTopic}/, which is the bridge's own; only ${own} is allowed there.`;
  }
  if (isBelow(topic, rules.discoveryPrefix)) {
    return `The response topic is under ${rules.discoveryPrefix}/, where Home Assistant looks for devices.`;
  }
  return null;
}

/** What is published, not retained; `correlationData` for MQTT 5. */
export interface ResultMessage {
  readonly topic: string;
  readonly payload: string;
  readonly correlationData: Uint8Array | null;
  /** Whose command it was; its results wait in this customer's share. */
  readonly customer: string;
}

export interface CommandIntakeParts {
  readonly commands: Pick<CommandService, 'issue' | 'onStep'>;
  /** Customers that may be commanded from here; `*`: all. */
  readonly customers: readonly string[];
  readonly baseTopic: string;
  /** Of Home Assistant. */
  readonly discoveryPrefix: string;
  readonly publish: (message: ResultMessage) => void;
  readonly audit: (entry: IntakeRecord) => void;
  readonly logger: Logger;
}

/** For the audit: what was asked over MQTT, and what became of it. */
export interface IntakeRecord {
  readonly customer: string;
  readonly device: string;
  readonly name: string;
  /** null: refused. */
  readonly command: Command | null;
  /** Why it was refused. */
  readonly refusal: string | null;
}

/** As the command line and the API know it. */
export const BRIDGE = 'mqtt';
/** The largest payload that is looked at. */
const PAYLOAD_BYTES = 65_536;
/** What devices say is worth telling; that it was queued or written is not. */
const PUBLISHED_STEPS: ReadonlySet<string> = new Set(['accepted', 'progress']);

const decoder = new TextDecoder('utf-8', { fatal: true });

export class CommandIntake {
  private readonly parts: CommandIntakeParts;
  private undo: (() => void) | null = null;
  /** Taken and refused since the start. */
  readonly counts = { taken: 0, refused: 0 };

  constructor(parts: CommandIntakeParts) {
    this.parts = parts;
  }

  start(): void {
    this.undo ??= this.parts.commands.onStep((command) => this.stepped(command));
  }

  /** Idempotent. */
  stop(): void {
    this.undo?.();
    this.undo = null;
  }

  /** Resolves when the command is durable, or refused with a result: only then the peer's message is dealt with. */
  async receive(message: PeerMessage): Promise<void> {
    const topic = parseCommandTopic(this.parts.baseTopic, message.topic);
    if (!topic) {
      this.parts.logger.debug(
        { topic: message.topic },
        'A message on a topic that is no command was ignored.',
      );
      return;
    }
    try {
      const { command, created } = await this.parts.commands.issue(this.requestOf(topic, message));
      this.counts.taken += 1;
      if (created) this.parts.audit({ ...topic, command, refusal: null });
      // Asked for again after its end: no step follows.
      else if (isFinal(command.status)) this.publishEnd(command);
    } catch (error) {
      if (!(error instanceof HubRefusal)) throw error;
      this.refuse(topic, message, error);
    }
  }

  private requestOf(topic: CommandTopic, message: PeerMessage): CommandRequest {
    const { customers } = this.parts;
    if (message.retain) {
      throw new HubRefusal(
        'bad-request',
        'Send commands without the retain flag: a retained one would be repeated.',
      );
    }
    if (!customers.includes('*') && !customers.includes(topic.customer)) {
      throw new HubRefusal(
        'forbidden',
        `The bridge may not command devices of ${topic.customer}; add it to mqtt.commandCustomers.`,
        'mqtt.commandCustomers',
      );
    }
    const wrong = this.wrongReply(topic, message);
    if (wrong !== null) throw new HubRefusal('bad-request', wrong);
    const reply = replyOf(message);
    const { messageExpiry } = message;
    return {
      ...topic,
      args: argumentsOf(message.payload),
      ttl: messageExpiry === null ? null : messageExpiry * 1000,
      id: idOf(topic, reply),
      supersede: null,
      whenFull: 'refuse',
      job: null,
      by: BRIDGE,
      ...(reply && { reply }),
    };
  }

  private stepped(command: Command): void {
    if (command.by !== BRIDGE) return;
    const last = command.timeline.at(-1);
    if (last?.late) return;
    if (isFinal(command.status)) this.publishEnd(command);
    else if (PUBLISHED_STEPS.has(last?.status ?? '')) this.publishResult(command, null);
  }

  private publishEnd(command: Command): void {
    this.publishResult(command, null);
    const { reply } = command;
    // Checked when it came, too; but it may have come to an earlier version, or under another base topic.
    if (reply && wrongResponseTopic(reply.topic, this.ownResult(command), this.parts) === null) {
      this.publishResult(command, reply);
    }
  }

  private publishResult(command: Command, reply: ReplyAddress | null): void {
    const { customer } = command;
    this.parts.publish({
      topic: reply?.topic ?? this.ownResult(command),
      payload: JSON.stringify(resultOf(command)),
      correlationData: reply?.correlation ?? null,
      customer,
    });
  }

  private refuse(
    topic: CommandTopic,
    message: PeerMessage,
    { code, message: detail, limit }: HubRefusal,
  ): void {
    this.counts.refused += 1;
    this.parts.audit({ ...topic, command: null, refusal: detail });
    const error = { code, detail, ...(limit === null ? {} : { limit }) };
    const payload = JSON.stringify({ id: null, status: 'refused', error });
    const { customer } = topic;
    this.parts.publish({ topic: this.ownResult(topic), payload, correlationData: null, customer });
    const reply = this.wrongReply(topic, message) === null ? replyOf(message) : null;
    if (reply) {
      this.parts.publish({ topic: reply.topic, payload, correlationData: reply.correlation, customer });
    }
  }

  /** Why the reply that is asked for cannot be sent; null: it can, or none is asked for. */
  private wrongReply(topic: CommandTopic, { responseTopic, correlationData }: PeerMessage): string | null {
    if (responseTopic === null) return null;
    if (correlationData !== null && correlationData.length > REPLY_LIMITS.correlationBytes) {
      return `The correlation data have more than ${REPLY_LIMITS.correlationBytes} bytes.`;
    }
    return wrongResponseTopic(responseTopic, this.ownResult(topic), this.parts);
  }

  /** Where the result of a command goes, asked for or not. */
  private ownResult({ customer, device, name }: CommandTopic): string {
    return commandResultTopic(this.parts.baseTopic, customer, device, name);
  }
}

function replyOf({ responseTopic, correlationData }: PeerMessage): ReplyAddress | null {
  if (responseTopic === null) return null;
  return { topic: responseTopic, correlation: correlationData };
}

/** The peer delivers at least once: the same request again is the same command. */
function idOf({ customer, device, name }: CommandTopic, reply: ReplyAddress | null): string | null {
  if (!reply?.correlation) return null;
  const hash = createHash('sha256');
  for (const part of [customer, device, name, reply.topic]) hash.update(`${part}\n`);
  return `mqtt-${hash.update(reply.correlation).digest('base64url').slice(0, 32)}`;
}

/** Throws HubRefusal for what is no JSON. */
function argumentsOf(payload: Uint8Array): Value {
  if (payload.length === 0) return null;
  if (payload.length > PAYLOAD_BYTES) {
    throw new HubRefusal(
      'args-too-large',
      `The payload has ${payload.length} bytes; ${PAYLOAD_BYTES} are read at most.`,
    );
  }
  return parseValue(parsed(payload), 'payload');
}

function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HubRefusal('bad-request', `The payload must be JSON in UTF-8, or empty: ${reason}`);
  }
}

function resultOf({ id, status, timeline, result }: Command): Readonly<Record<string, JsonValue>> {
  const last = timeline.at(-1);
  const data = result ?? last?.data;
  return {
    id,
    status,
    at: last?.at ?? 0,
    ...(last?.reason === undefined ? {} : { reason: last.reason }),
    ...(data === undefined ? {} : { data: toJson(data) }),
  };
}
