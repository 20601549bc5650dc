/**
 * Commands devices over the MQTT server, and judges what becomes of it (docs/mqtt.md): what the bridge acknowledges is a durable command or is
 * refused aloud, is no more commands than it was delivered, and one at most where its correlation data name it; its end comes back. Owns what was
 * asked for.
 */
import type { IPublishPacket } from 'mqtt-packet';
import { type Command, isFinal, readCommand } from '../../broker/hub/commands/command.ts';
import type { CommandRow } from '../../broker/store/command-ports.ts';
import type { MethodCall } from '../../broker/store/sqlite/methods.ts';
import type { Box } from './box.ts';
import type { Ears } from './ears.ts';
import type { PeerConnection } from './mqtt-connection.ts';
import { BASE_TOPIC } from './mqtt-judge.ts';
import type { MqttPeer, PeerPublication } from './mqtt-peer.ts';
import type { SeededRandom } from './random.ts';

const RULES = {
  once: 'a command over MQTT is one command',
  durable: 'a command that the bridge acknowledges is durable or is refused',
  allowed: 'only devices of commandCustomers are commanded over MQTT',
  own: 'a result over MQTT is of its own command',
  end: 'MQTT is told one end of a command',
} as const;

const REPLIES = 'replies/box';

interface Asked {
  readonly publication: PeerPublication;
  /** `customer/device`. */
  readonly device: string;
  readonly isCorrelated: boolean;
  readonly isAllowed: boolean;
  /** `customer/id` of the commands that came of it. */
  readonly commands: Set<string>;
  isAcknowledged: boolean;
  isOver: boolean;
}

/** Of one command that came over MQTT. */
interface Made {
  readonly asked: Asked;
  readonly resultTopic: string;
  readonly correlation: string | null;
  /** What MQTT was told. */
  end: string | null;
  /** Topics on which its end has not come. */
  readonly awaited: Set<string>;
  /** Whether the database holds an end. */
  state: 'open' | 'ended';
}

/** What came on a topic of results. */
interface ResultMessage {
  readonly topic: string;
  readonly version: 4 | 5;
  readonly correlation: string | null;
}

/** Topics on which something is awaited, and how often; each process owes its own. */
class Awaited {
  private readonly counts = new Map<string, number>();
  private process = '';

  owe(topic: string, process: string): void {
    this.enter(process);
    this.counts.set(topic, (this.counts.get(topic) ?? 0) + 1);
  }

  came(topic: string, process: string): void {
    this.enter(process);
    this.counts.set(topic, (this.counts.get(topic) ?? 0) - 1);
  }

  /** A topic on which less came than is owed; null: none. */
  open(process: string): string | null {
    this.enter(process);
    for (const [topic, count] of this.counts) if (count > 0) return topic;
    return null;
  }

  /** What a process owed that is no more, nobody does. */
  private enter(process: string): void {
    if (this.process !== process) this.counts.clear();
    this.process = process;
  }
}

export class MqttCommands implements Ears {
  private readonly box: Box;
  private readonly peer: MqttPeer;
  private readonly random: SeededRandom;
  private readonly customers: readonly string[];
  private readonly asked = new Map<string, Asked>();
  private readonly byPublication = new Map<PeerPublication, Asked>();
  /** By `customer/id`; null: somebody else's. */
  private readonly made = new Map<string, Made | null>();
  /** By id, which the broker made up: nobody else's. */
  private readonly own = new Map<string, Made>();
  private readonly refusals = new Awaited();
  /** Of commands that have ended in the process that runs: their end is owed. */
  private readonly ended = new Map<string, { readonly process: string; readonly made: Made }>();
  /** Asked for in the calm: they must end. */
  private last: Asked[] = [];
  private state: 'asking' | 'calm' | 'gone' = 'asking';

  constructor(box: Box, peer: MqttPeer, customers: readonly string[]) {
    this.box = box;
    this.peer = peer;
    this.customers = customers;
    this.random = box.world.randomOf('mqtt/commands');
    box.faults.declare(Object.values(RULES));
    box.ears.add(this);
  }

  start(): void {
    const { world } = this.box;
    const pause = this.random.between(1000, 90_000);
    world.after(
      pause,
      () => {
        if (this.state !== 'asking') return;
        this.ask();
        this.start();
      },
      null,
    );
  }

  /** Each of a few devices gets one more, as soon as the bridge listens. */
  calm(): void {
    this.state = 'calm';
    this.askLast();
  }

  leave(): void {
    this.state = 'gone';
  }

  waitsFor(): string | null {
    const { process } = this;
    const refusal = this.refusals.open(process);
    if (refusal) return `MQTT waits for a refusal on ${refusal}`;
    for (const [id, { process: owing, made }] of this.ended) {
      if (owing === process) return `MQTT waits for the end of ${id} on ${[...made.awaited]}`;
      this.ended.delete(id);
    }
    if (this.last.length < LAST) return 'nobody listens to commands over MQTT';
    const open = this.last.find(({ isOver }) => !isOver);
    return open
      ? `MQTT waits for what becomes of ${open.publication.topic} ${open.publication.payload}`
      : null;
  }

  stored({ method, args }: MethodCall): void {
    if (method !== 'saveCommands') return;
    for (const row of args[0] as readonly CommandRow[]) this.hold(row);
  }

  /** The bridge has acknowledged it. */
  delivered(publication: PeerPublication): void {
    const asked = this.byPublication.get(publication);
    if (asked) asked.isAcknowledged = true;
    if (!asked || asked.commands.size > 0) return;
    this.refusals.owe(`${publication.topic}/result`, this.process);
  }

  /** Something came on a topic of results. */
  taken({ version }: PeerConnection, { topic, payload, properties }: IPublishPacket): void {
    const isReply = topic === REPLIES;
    if (!isReply && !topic.endsWith('/result')) return;
    const told = JSON.parse(String(payload)) as {
      id: string | null;
      status: string;
      error?: { detail: string };
    };
    const correlation = properties?.correlationData ? String(properties.correlationData) : null;
    if (told.id === null) this.refused(topic, isReply, correlation);
    else this.told({ topic, version, correlation }, told.id, told.status);
  }

  private get process(): string {
    return this.box.machine.running?.process.name ?? 'none';
  }

  /** One more; null: nobody listens. */
  ask(): Asked | null {
    const { random, box, peer } = this;
    const device = random.pick(box.devices);
    const number = `${this.asked.size + 1}`;
    const name = random.pick(['set', 'progress']);
    const manner = random.pick(['plain', 'reply', 'correlated', 'correlated'] as const);
    const expiry = random.pick([null, null, 5, 120]);
    const isFive = peer.character.version === 5;
    const publication: PeerPublication = {
      topic: `${BASE_TOPIC}/${device.name}/command/${name}`,
      payload: JSON.stringify({ over: 'mqtt', number }),
      retain: false,
      properties: {
        ...(manner === 'plain' ? {} : { responseTopic: REPLIES }),
        ...(manner === 'correlated' ? { correlationData: Buffer.from(number) } : {}),
        ...(expiry === null ? {} : { messageExpiryInterval: expiry }),
      },
      writings: 0,
    };
    const asked: Asked = {
      publication,
      device: device.name,
      isCorrelated: isFive && manner === 'correlated',
      isAllowed: this.customers.includes('*') || this.customers.includes(device.parts.customer),
      commands: new Set(),
      isAcknowledged: false,
      isOver: false,
    };
    if (!peer.publish(publication)) return null;
    box.world.note('commander', 'publishes', `${publication.topic} ${publication.payload}`);
    this.asked.set(number, asked);
    this.byPublication.set(publication, asked);
    return asked;
  }

  private askLast(): void {
    if (this.state !== 'calm') return;
    // With MQTT 3.1.1 what was on its way when a connection ended is lost.
    this.last = this.last.filter((one) => one.isAcknowledged || this.peer.holds(one.publication));
    const asked = this.last.length < LAST && this.box.ready ? this.ask() : null;
    if (asked) this.last.push(asked);
    this.box.world.after(500, () => this.askLast(), null);
  }

  private hold(row: CommandRow): void {
    const name = `${row.customer}/${row.id}`;
    let made = this.made.get(name);
    if (made === undefined) {
      made = this.madeOf(readCommand(row));
      this.made.set(name, made);
      if (made) this.own.set(row.id, made);
    }
    if (!made || made.state === 'ended' || !isFinal(row.status as Command['status'])) return;
    made.state = 'ended';
    if (made.awaited.size > 0 && this.box.ready) this.ended.set(row.id, { process: this.process, made });
  }

  private madeOf(command: Command): Made | null {
    const { customer, device, id, by, name, reply } = command;
    const args = command.args as { readonly number?: string } | null;
    const asked = by === 'mqtt' ? this.asked.get(args?.number ?? '') : undefined;
    if (!asked) return null;
    this.check('durable', !asked.isAcknowledged || asked.commands.size > 0, () => {
      return `${asked.publication.topic} ${asked.publication.payload} was acknowledged before it was durable`;
    });
    asked.commands.add(`${customer}/${id}`);
    const most = asked.isCorrelated ? 1 : asked.publication.writings;
    this.check('once', asked.commands.size <= most && asked.device === `${customer}/${device}`, () => {
      return `${asked.publication.topic} ${asked.publication.payload} was delivered ${asked.publication.writings} times and is ${[...asked.commands]}`;
    });
    this.check('allowed', asked.isAllowed, () => `${customer}/${device} has command ${id} over MQTT`);
    const resultTopic = `${BASE_TOPIC}/${customer}/${device}/command/${name}/result`;
    const correlation = reply?.correlation ? String(Buffer.from(reply.correlation)) : null;
    return {
      asked,
      resultTopic,
      correlation,
      end: null,
      awaited: new Set(reply ? [resultTopic, reply.topic] : [resultTopic]),
      state: 'open',
    };
  }

  private refused(topic: string, isReply: boolean, correlation: string | null): void {
    const asked = this.asked.get(correlation ?? '');
    if (asked) asked.isOver = true;
    if (isReply) return;
    this.refusals.came(topic, this.process);
    for (const one of this.last) {
      if (`${one.publication.topic}/result` === topic && one.commands.size === 0) one.isOver = true;
    }
  }

  private told({ topic, version, correlation }: ResultMessage, id: string, status: string): void {
    const made = this.own.get(id);
    // MQTT 3.1.1 has no words for correlation data.
    const isReplyTo = (one: Made) => version === 4 || one.correlation === correlation;
    const isOwn = made && (topic === REPLIES ? isReplyTo(made) : made.resultTopic === topic);
    this.check('own', isOwn === true, () => `${topic} tells ${status} of ${id} with ${correlation}`);
    if (!made || !isFinal(status as Command['status'])) return;
    this.check('end', made.end === null || made.end === status, () => {
      return `${id} is told to have ended as ${made.end}, then as ${status}`;
    });
    made.end = status;
    made.asked.isOver = true;
    made.awaited.delete(topic);
    if (made.awaited.size === 0) this.ended.delete(id);
  }

  private check(rule: keyof typeof RULES, holds: boolean, message: () => string): void {
    this.box.faults.check(RULES[rule], holds, message);
  }
}

/** Commands in the calm. */
const LAST = 3;
