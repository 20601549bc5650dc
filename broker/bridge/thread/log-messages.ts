/**
 * Turns records of the log into messages to publish, one at a time and in order: telemetry, batches and events. Results
 * and reported state are not published from here. Owns the records that wait.
 */
import { LogFrames, type LogItem } from '../../hub/telemetry/log-frames.ts';
import type { Source } from '../../store/batch.ts';
import type { LogRecord, StoredRecord } from '../../store/ports.ts';
import type { Position } from '../../store/position.ts';
import { FRAME } from '../../wire/frames.ts';
import { batchPayloads, eventPayload, telemetryPayload } from '../payloads.ts';
import { deviceTopic } from '../topics.ts';
import type { Message } from './window.ts';

/** How one kind of message is published. */
export interface LogRoute {
  readonly mode: 'each' | 'newest' | 'off';
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface LogRoutes {
  readonly telemetry: LogRoute;
  readonly event: LogRoute;
}

/** A message with how it may be treated; `position` is that of its record. */
export interface LogMessage extends Message {
  readonly mode: 'each' | 'newest';
  readonly position: Position;
}

/** Records in order, which name sources of one table; the payloads' memory is transferred. */
export interface RecordPortion {
  readonly records: readonly StoredRecord[];
  /** Of the table: how many the thread has, and what comes behind them. 0: it is another table. */
  readonly knownSources: number;
  readonly sources: readonly Source[];
}

/** Of one source. */
interface Topics {
  readonly telemetry: string;
  readonly event: string;
}

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
  private current: { readonly record: LogRecord; readonly items: Generator<LogItem> } | null = null;
  /** What the records name that were added last. */
  private table: Source[] = [];
  private ready: LogMessage[] = [];
  private readonly frames = new LogFrames();
  private readonly topics = new WeakMap<Source, Topics>();
  /** Everything before it was handed out as messages; null: nothing came yet. */
  private readTo: Position | null = null;

  /** `unreadable` is called for each frame that the log should not hold. */
  constructor(parts: { baseTopic: string; routes: LogRoutes; unreadable: () => void }) {
    this.baseTopic = parts.baseTopic;
    this.routes = parts.routes;
    this.unreadable = parts.unreadable;
  }

  add({ records, knownSources, sources }: RecordPortion): void {
    if (knownSources === 0) this.table = [];
    const { table } = this;
    table.push(...sources);
    for (const record of records) this.records.push({ ...record, sources: table });
  }

  /** Everything before it has been handed out by `next`; null: nothing came yet. */
  get position(): Position | null {
    return this.current?.record.position ?? this.readTo;
  }

  /** The next message; null: none until more records come. */
  next(): LogMessage | null {
    while (this.ready.length === 0) {
      this.current ??= this.nextRecord();
      if (!this.current) return null;
      this.readItem(this.current);
    }
    return this.ready.shift() as LogMessage;
  }

  private nextRecord(): LogMessages['current'] {
    const record = this.records.shift();
    return record ? { record, items: this.frames.read(record) } : null;
  }

  private readItem({ record, items }: NonNullable<LogMessages['current']>): void {
    const item = this.nextOf(items);
    if (item) this.ready = this.messagesOf(item);
    else this.finish(record);
  }

  /** A record that no broker wrote is counted, and ends where it cannot be read any further. */
  private nextOf(items: Generator<LogItem>): LogItem | null {
    try {
      const next = items.next();
      return next.done ? null : next.value;
    } catch {
      this.unreadable();
      return null;
    }
  }

  private finish(record: LogRecord): void {
    this.readTo = record.end;
    this.current = null;
  }

  private messagesOf(item: LogItem): LogMessage[] {
    if (item.kind === 'unreadable') this.unreadable();
    if (item.kind !== 'frame') return [];
    const { telemetry, event } = this.routes;
    const { source, frame, arrival, position } = item;
    const topics = this.topicsOf(source);
    if (frame.kind === FRAME.telemetry) {
      return messages(telemetry, topics.telemetry, position, () => [telemetryPayload(frame, arrival)]);
    }
    if (frame.kind === FRAME.batch) {
      return messages(telemetry, topics.telemetry, position, () => batchPayloads(frame, arrival));
    }
    if (frame.kind === FRAME.event) {
      return messages(event, topics.event, position, () => [eventPayload(frame, arrival)]);
    }
    return [];
  }

  private topicsOf(source: Source): Topics {
    const known = this.topics.get(source);
    if (known) return known;
    const topic = (kind: 'telemetry' | 'event') =>
      deviceTopic(this.baseTopic, source.customer, source.device, kind);
    const topics = { telemetry: topic('telemetry'), event: topic('event') };
    this.topics.set(source, topics);
    return topics;
  }
}

function messages(
  { mode, qos, retain }: LogRoute,
  topic: string,
  position: Position,
  payloads: () => readonly string[],
): LogMessage[] {
  if (mode === 'off') return [];
  return payloads().map((payload) => ({ topic, payload, qos, retain, mode, position }));
}
