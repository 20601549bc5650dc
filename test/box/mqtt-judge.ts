/**
 * Judges what the MQTT server gets of the log and what it retains (docs/mqtt.md) by what is durable: each sample and event reaches it at least
 * once, in order for each device and without a gap, and nothing else does; the cursor never passes what it has not acknowledged; in the calm it
 * holds the last-known state. Owns what is owed to it.
 */
import type { IPublishPacket } from 'mqtt-packet';
import { toJson } from '../../broker/hub/json.ts';
import type { MethodCall } from '../../broker/store/sqlite/methods.ts';
import type { BatchFrame, DeviceFrame, Value } from '../../broker/wire/frames.ts';
import type { Box } from './box.ts';
import type { DurableEntry } from './durable.ts';
import type { Ears } from './ears.ts';
import type { ModelDevice } from './model.ts';
import type { PeerConnection } from './mqtt-connection.ts';
import type { MqttPeer } from './mqtt-peer.ts';

const RULES = {
  speaks: 'the bridge speaks MQTT',
  durable: 'MQTT gets only what is durable, each under its own topic',
  order: 'MQTT gets each record in order and without a gap',
  cursor: "the bridge's cursor stays before what MQTT has not acknowledged",
  receiveMaximum: 'no more is in flight than MQTT takes',
  offline: 'a goodbye to MQTT says offline before',
  status: 'MQTT knows that the bridge is there',
  availability: 'MQTT retains the presence of each device',
  state: 'MQTT retains the last-known state of each device',
  discovery: 'Home Assistant knows each device',
} as const;

export const BASE_TOPIC = 'signalbox';
const STATUS = `${BASE_TOPIC}/bridge/status`;
const EARLIEST = Date.UTC(2000, 0, 1);
const MOST_AHEAD = 600_000;

interface Owed {
  /** Route and payload. */
  readonly text: string;
  /** Of its record. */
  readonly position: number;
}

/** What is owed of one device, in log order. */
class Sequence {
  readonly name: string;
  readonly messages: Owed[] = [];
  private readonly places = new Map<string, number[]>();
  /** So many of the first are acknowledged, or were taken by retention. */
  acknowledged = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(owed: Owed): void {
    const places = this.places.get(owed.text);
    if (places) places.push(this.messages.length);
    else this.places.set(owed.text, [this.messages.length]);
    this.messages.push(owed);
  }

  placesOf(text: string): readonly number[] {
    return this.places.get(text) ?? [];
  }

  /** Whether everything from one place up to another lies before a position. */
  isBefore(position: number, from: number, to: number): boolean {
    const last = this.messages[to - 1];
    return to <= from || (last !== undefined && last.position < position);
  }
}

/** Where a connection stands in each device's sequence: the next of the places that fit what came so far. */
type Places = Map<Sequence, readonly number[]>;

export class MqttJudge implements Ears {
  /** What every device owes is acknowledged. */
  private readonly sequences = new Map<string, Sequence>();
  private readonly connections = new WeakMap<PeerConnection, Places>();
  /** Where what came stands. */
  private readonly came = new WeakMap<IPublishPacket, { readonly of: Sequence; readonly place: number }>();
  private readonly lastStatus = new WeakMap<PeerConnection, string>();
  /** Retention has taken what lies before. */
  private first = 0;
  private readonly box: Box;
  private readonly homeAssistant: 'on' | 'off';
  private retained: 'unknown' | 'right' = 'unknown';

  constructor(box: Box, homeAssistant: 'on' | 'off') {
    this.box = box;
    this.homeAssistant = homeAssistant;
    const { discovery, ...others } = RULES;
    box.faults.declare(Object.values(others));
    if (homeAssistant === 'on') box.faults.declare([discovery]);
    box.ears.add(this);
  }

  durable(entry: DurableEntry): void {
    if (entry.kind !== 'frame') return;
    const { source, frame, arrival, position } = entry;
    const texts = textsOf(frame, arrival);
    if (texts.length === 0) return;
    const name = `${source.customer}/${source.device}`;
    const sequence = this.sequences.get(name) ?? new Sequence(name);
    this.sequences.set(name, sequence);
    for (const text of texts) sequence.add({ text, position });
  }

  removed(first: number): void {
    this.first = Math.max(this.first, first);
  }

  stored({ method, args }: MethodCall): void {
    if (method !== 'saveCursors') return;
    const cursor = (args[0] as Readonly<Record<string, bigint | number>>).mqtt;
    if (cursor === undefined) return;
    for (const sequence of this.sequences.values()) {
      const open = this.firstOpen(sequence);
      this.check('cursor', open === null || open.position >= Number(cursor), () => {
        return `the cursor is saved at ${cursor}; ${sequence.name}: ${open?.text} of ${open?.position} is not acknowledged`;
      });
    }
  }

  wrong(message: string): void {
    this.check('speaks', false, () => message);
  }

  arrived(connection: PeerConnection, packet: IPublishPacket, receiveMaximum: number): void {
    const payload = String(packet.payload);
    if (packet.topic === STATUS) this.lastStatus.set(connection, payload);
    const isWithin = connection.version === 4 || connection.unacknowledged <= receiveMaximum;
    this.check('receiveMaximum', isWithin, () => `${connection.unacknowledged} are in flight`);
    const [base, customer, device, route, ...more] = packet.topic.split('/');
    if (base !== BASE_TOPIC || more.length > 0 || (route !== 'telemetry' && route !== 'event')) return;
    const text = `${route} ${payload}`;
    const sequence = this.sequences.get(`${customer}/${device}`);
    const places = sequence?.placesOf(text) ?? [];
    this.check('durable', places.length > 0, () => `${packet.topic} ${payload} is not in the log`);
    if (!sequence || places.length === 0) return;
    const known: Places = this.connections.get(connection) ?? new Map();
    this.connections.set(connection, known);
    const now = this.placesNow(sequence, known.get(sequence), places, text);
    this.check('order', now.length > 0, () => {
      const next = known.get(sequence)?.[0] ?? sequence.acknowledged;
      return `${packet.topic} ${payload} came; expected was ${sequence.messages[next]?.text ?? 'nothing'} (${next} of ${sequence.messages.length})`;
    });
    if (now.length === 0) return;
    known.set(
      sequence,
      now.map((place) => place + 1),
    );
    this.came.set(packet, { of: sequence, place: Math.max(...now) });
  }

  taken(packet: IPublishPacket): void {
    const came = this.came.get(packet);
    if (came) came.of.acknowledged = Math.max(came.of.acknowledged, came.place + 1);
  }

  farewell(connection: PeerConnection): void {
    const status = this.lastStatus.get(connection);
    this.check('offline', status === 'offline', () => `it said ${status} last`);
  }

  /** The bridge has been connected for a while, and nothing has come between. */
  isThere({ retained }: MqttPeer): void {
    const status = retained.get(STATUS);
    this.check('status', status === 'online', () => `MQTT holds ${status} of the bridge, which is connected`);
  }

  /** What still has to come, in the calm; null: nothing. */
  waitsFor(peer: MqttPeer): string | null {
    for (const sequence of this.sequences.values()) {
      const open = this.firstOpen(sequence);
      if (open) return `MQTT waits for ${sequence.name}: ${open.text} of ${open.position}`;
    }
    const wrong = this.wrongRetained(peer);
    if (!wrong) this.retained = 'right';
    return wrong;
  }

  /** Others may go on, so what counts is that it was right at a moment of the calm. */
  judge(): void {
    const rules = [
      'status',
      'availability',
      'state',
      ...(this.homeAssistant === 'on' ? ['discovery'] : []),
    ] as const;
    for (const rule of rules) {
      this.check(rule as keyof typeof RULES, this.retained === 'right', () => 'it never was in the calm');
    }
  }

  /** The oldest that is neither acknowledged nor gone from the log. */
  private firstOpen(sequence: Sequence): Owed | null {
    for (;;) {
      const open = sequence.messages[sequence.acknowledged];
      if (!open || open.position >= this.first) return open ?? null;
      sequence.acknowledged += 1;
    }
  }

  /** Of the places at which the same text stands, those at which this may be the one. */
  private placesNow(
    sequence: Sequence,
    next: readonly number[] | undefined,
    places: readonly number[],
    text: string,
  ): readonly number[] {
    const { messages, acknowledged } = sequence;
    const following = next?.filter((place) => messages[place]?.text === text) ?? [];
    if (following.length > 0) return following;
    const from = next ? Math.max(...next) : acknowledged;
    // A new connection may repeat; one that is under way may only leave out what retention took.
    return places.filter(
      (place) =>
        (!next && place <= acknowledged) || (place >= from && sequence.isBefore(this.first, from, place)),
    );
  }

  private wrongRetained({ retained }: MqttPeer): string | null {
    const status = retained.get(STATUS);
    if (status !== 'online') return `MQTT holds ${status} of the bridge`;
    for (const device of this.box.judge.model.all()) {
      if (this.box.uncertain.has(device.name)) continue;
      const wrong = this.wrongOf(device, retained);
      if (wrong) return wrong;
    }
    return null;
  }

  private wrongOf(device: ModelDevice, retained: ReadonlyMap<string, string>): string | null {
    const topic = `${BASE_TOPIC}/${device.name}`;
    const availability = retained.get(`${topic}/availability`);
    // Forgotten, and not back.
    const isKnown = device.session !== null;
    const expected = !isKnown ? undefined : device.online ? 'online' : 'offline';
    if (availability !== expected) {
      return `MQTT holds that ${device.name} is ${availability}`;
    }
    const state = retained.get(`${topic}/state`);
    if (!isState(state, device)) {
      return `MQTT holds ${state} of ${device.name}, the model ${JSON.stringify([...device.values])}`;
    }
    const discovery = `homeassistant/device/${device.name.replace('/', '_')}/config`;
    if (this.homeAssistant === 'on' && retained.has(discovery) !== isKnown) {
      return `MQTT ${isKnown ? 'does not hold' : 'holds'} ${discovery}`;
    }
    return null;
  }

  private check(rule: keyof typeof RULES, holds: boolean, message: () => string): void {
    this.box.faults.check(RULES[rule], holds, message);
  }
}

function isState(text: string | undefined, { values }: ModelDevice): boolean {
  if (text === undefined) return values.size === 0;
  const held = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return (
    Object.keys(held).length === values.size && [...values].every(([name, { value }]) => held[name] === value)
  );
}

/** Route and payload of each message that a frame is for MQTT. */
function textsOf(frame: DeviceFrame, arrival: number): string[] {
  if (frame.kind === 3) {
    const { severity, name, data } = frame;
    return [
      `event ${JSON.stringify({ time: rightTime(frame.time, arrival), severity, name, data: toJson(data) })}`,
    ];
  }
  if (frame.kind === 1) return [sample(rightTime(frame.time, arrival), frame.seq, frame.names, frame.values)];
  return frame.kind === 2 ? batch(frame, arrival) : [];
}

/** P-4.4. */
function batch({ time, seq, samples }: BatchFrame, arrival: number): string[] {
  const last = samples.reduce((most, { dt }) => Math.max(most, dt), Number.NEGATIVE_INFINITY);
  const start = time === null ? arrival - last : absolute(time, arrival);
  return samples.map(({ dt, names, values }) => sample(trusted(start + dt, arrival), seq, names, values));
}

function sample(
  time: number,
  seq: number | null,
  names: readonly string[],
  values: readonly Value[],
): string {
  const pairs = values.map(
    (value, index) => `${JSON.stringify(names[index])}:${JSON.stringify(toJson(value))}`,
  );
  return `telemetry {"time":${time},"seq":${seq},"values":{${pairs.join(',')}}}`;
}

function rightTime(time: number | null, arrival: number): number {
  return trusted(time === null ? arrival : absolute(time, arrival), arrival);
}

function absolute(time: number, arrival: number): number {
  return time < 0 ? arrival + time : time;
}

/** P-4.5. */
function trusted(at: number, arrival: number): number {
  return at < EARLIEST || at > arrival + MOST_AHEAD ? arrival : at;
}
