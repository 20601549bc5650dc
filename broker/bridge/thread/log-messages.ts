/**
 * Records of the log in, messages out, one at a time and in order. Results and reported frames are not published here.
 * Owns the records that wait and what is known of their devices.
 */
import { type BatchEntry, readBatch, type Source } from '../../store/batch.ts';
import type { LogRecord } from '../../store/ports.ts';
import { FRAME } from '../../wire/frames.ts';
import { FrameReader } from '../../wire/reader.ts';
import { batchPayloads, eventPayload, telemetryPayload } from '../payloads.ts';
import { deviceTopic } from '../topics.ts';
import type { Message } from './window.ts';

/** How one kind of message is published. */
export interface Route {
  readonly mode: 'each' | 'newest' | 'off';
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface LogRoutes {
  readonly telemetry: Route;
  readonly event: Route;
}

/** A message with how it may be treated; `position` is that of its record. */
export interface LogMessage extends Message {
  readonly mode: 'each' | 'newest';
  readonly position: number;
}

/** What is kept between the frames of one device. */
interface KnownDevice {
  readonly reader: FrameReader;
  readonly telemetry: string;
  readonly event: string;
}

const KNOWN_DEVICES = 20_000;

/** Where messages of the log come from, one at a time. */
export interface MessageSource {
  /** null: none until more records come. */
  next(): LogMessage | null;
}

export class LogMessages implements MessageSource {
  private readonly baseTopic: string;
  private readonly routes: LogRoutes;
  private readonly unreadable: () => void;
  private records: LogRecord[] = [];
  private current: { readonly record: LogRecord; readonly entries: Generator<BatchEntry> } | null = null;
  private ready: LogMessage[] = [];
  private readonly devices = new Map<string, KnownDevice>();
  private lastSource: Source | null = null;
  private lastDevice: KnownDevice | null = null;
  /** Everything before it was handed out as messages; null: nothing came yet. */
  private readTo: number | null = null;

  /** `unreadable` is called for each frame that the log should not hold. */
  constructor(parts: { baseTopic: string; routes: LogRoutes; unreadable: () => void }) {
    this.baseTopic = parts.baseTopic;
    this.routes = parts.routes;
    this.unreadable = parts.unreadable;
  }

  add(records: readonly LogRecord[]): void {
    this.records.push(...records);
  }

  /** Everything before it has been handed out by `next`; null: nothing came yet. */
  get position(): number | null {
    return this.current?.record.position ?? this.readTo;
  }

  /** The next message; null: none until more records come. */
  next(): LogMessage | null {
    while (this.ready.length === 0) {
      this.current ??= this.nextRecord();
      if (!this.current) return null;
      this.readEntry(this.current);
    }
    return this.ready.shift() as LogMessage;
  }

  private nextRecord(): LogMessages['current'] {
    const record = this.records.shift();
    return record ? { record, entries: readBatch(record) } : null;
  }

  private readEntry({ record, entries }: NonNullable<LogMessages['current']>): void {
    const entry = this.attempt(() => entries.next());
    // A batch that no builder wrote ends where it cannot be read any further.
    if (!entry || entry.done) this.finish(record);
    else this.ready = this.attempt(() => this.messagesOf(entry.value, record.position)) ?? [];
  }

  /** What the log should not hold is counted, and not in the way of the rest. */
  private attempt<Result>(read: () => Result): Result | null {
    try {
      return read();
    } catch {
      this.unreadable();
      return null;
    }
  }

  private finish(record: LogRecord): void {
    this.readTo = record.end;
    this.current = null;
  }

  private messagesOf(entry: BatchEntry, position: number): LogMessage[] {
    if (entry.kind === 'session') return [];
    const { source, frame: bytes, arrival } = entry;
    const { telemetry, event } = this.routes;
    const device = this.deviceOf(source);
    const frame = device.reader.read(bytes);
    if (frame.kind === FRAME.telemetry) {
      return messages(telemetry, device.telemetry, position, () => [telemetryPayload(frame, arrival)]);
    }
    if (frame.kind === FRAME.batch) {
      return messages(telemetry, device.telemetry, position, () => batchPayloads(frame, arrival));
    }
    if (frame.kind === FRAME.event) {
      return messages(event, device.event, position, () => [eventPayload(frame, arrival)]);
    }
    return [];
  }

  private deviceOf(source: Source): KnownDevice {
    if (source === this.lastSource && this.lastDevice) return this.lastDevice;
    const { customer, device } = source;
    const name = `${customer}/${device}`;
    const known = this.devices.get(name) ?? this.meet(name, customer, device);
    // The same fields in another array would be another layout to everybody who caches by identity.
    if (!sameFields(known.reader.fields, source.fields)) known.reader.fields = source.fields;
    this.lastSource = source;
    this.lastDevice = known;
    return known;
  }

  private meet(name: string, customer: string, device: string): KnownDevice {
    if (this.devices.size >= KNOWN_DEVICES) this.devices.clear();
    const known = {
      reader: new FrameReader(0),
      telemetry: deviceTopic(this.baseTopic, customer, device, 'telemetry'),
      event: deviceTopic(this.baseTopic, customer, device, 'event'),
    };
    this.devices.set(name, known);
    return known;
  }
}

function messages(
  { mode, qos, retain }: Route,
  topic: string,
  position: number,
  payloads: () => readonly string[],
): LogMessage[] {
  if (mode === 'off') return [];
  return payloads().map((payload) => ({ topic, payload, qos, retain, mode, position }));
}

function sameFields(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return (
    a === b ||
    (a !== null && b !== null && a.length === b.length && a.every((name, index) => name === b[index]))
  );
}
