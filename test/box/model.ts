/**
 * The contract as a model: from what is durable it says what everybody may see. It knows the rules (P-3.2, P-4, P-7.5) and nothing of the
 * broker's code. Owns, for each device, its runs, its last-known state and the words of its sessions.
 */
import type { BatchFrame, TelemetryFrame, Value } from '../../broker/wire/frames.ts';
import type { DurableEntry } from './durable.ts';

const EARLIEST = Date.UTC(2000, 0, 1);
const MOST_AHEAD = 600_000;
/** Entries that are kept of each device, for what comes after it is forgotten. */
const RECENT = 200;

export interface ModelValue {
  readonly value: Value;
  readonly at: number;
  readonly receivedAt: number;
}

/** One device by what is durable of it. */
export class ModelDevice {
  readonly name: string;
  readonly values = new Map<string, ModelValue>();
  /** The highest durable seq of each run. */
  readonly durable = new Map<string, number>();
  /** `boot/seq` of every frame that was ever durable, also before it was forgotten. */
  readonly frames = new Set<string>();
  /** Of those since it was forgotten. */
  private readonly known = new Set<string>();
  /** How many events have happened. */
  events = 0;
  /** That was opened last; null: none. */
  session: string | null = null;
  /** The process in whose life it was opened. */
  openedBy: string | null = null;
  /** Sessions whose hello is durable. */
  readonly introduced = new Set<string>();
  online = false;
  /** It has connected, and nobody has forgotten it since. */
  isKnown = false;
  private newestArrival = 0;
  private recent: DurableEntry[] = [];
  /** Of frames in the log twice: never. */
  readonly repeated: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** `process`: that runs. */
  apply(entry: DurableEntry, process: string): void {
    this.recent.push(entry);
    if (this.recent.length > 2 * RECENT) this.recent = this.recent.slice(-RECENT);
    if (entry.kind === 'session') {
      this.applySession(entry, process);
      return;
    }
    this.applyFrame(entry);
  }

  /** `position`: what the log holds from there on came after. */
  forget(position: number, process: string): void {
    this.values.clear();
    this.durable.clear();
    this.known.clear();
    this.isKnown = false;
    this.session = null;
    this.online = false;
    this.newestArrival = 0;
    const after = this.recent.filter((entry) => entry.position >= position);
    this.recent = [];
    for (const entry of after) this.apply(entry, process);
  }

  private applyFrame(entry: Extract<DurableEntry, { kind: 'frame' }>): void {
    const { frame, source, arrival } = entry;
    if (frame.kind === 0) {
      this.introduced.add(source.session);
      if (source.boot !== null && !this.durable.has(source.boot)) this.durable.set(source.boot, 0);
      return;
    }
    if (frame.kind === 4 || frame.kind === 5) return;
    if (frame.seq !== null && source.boot !== null) {
      const id = `${source.boot}/${frame.seq}`;
      if (this.known.has(id)) this.repeated.push(id);
      this.known.add(id);
      this.frames.add(id);
      if (frame.seq <= (this.durable.get(source.boot) ?? 0)) return;
      this.durable.set(source.boot, frame.seq);
    }
    this.newestArrival = steady(arrival, this.newestArrival);
    if (frame.kind === 3) this.events += 1;
    else if (frame.kind === 1) this.applyTelemetry(frame, arrival);
    else this.applyBatch(frame, arrival);
  }

  private applySession({ source, event }: Extract<DurableEntry, { kind: 'session' }>, process: string): void {
    if (event.type === 'opened') {
      this.session = source.session;
      this.openedBy = process;
      this.online = true;
      this.isKnown = true;
    } else if (event.type === 'ended' && this.session === source.session) this.online = false;
  }

  private applyTelemetry(frame: TelemetryFrame, arrival: number): void {
    const at = this.rightTime(absolute(frame.time, this.newestArrival), arrival);
    this.merge(frame.names, frame.values, at, arrival);
  }

  private applyBatch(frame: BatchFrame, arrival: number): void {
    const last = frame.samples.reduce((most, { dt }) => Math.max(most, dt), Number.NEGATIVE_INFINITY);
    const start = frame.time !== null ? absolute(frame.time, this.newestArrival) : this.newestArrival - last;
    for (const { dt, names, values } of frame.samples) {
      this.merge(names, values, this.rightTime(start + dt, arrival), arrival);
    }
  }

  /** P-4.5. */
  private rightTime(at: number, arrival: number): number {
    return at < EARLIEST || at > arrival + MOST_AHEAD ? this.newestArrival : at;
  }

  /** P-4.6; a value that lies so far ahead that it cannot be right gives way. */
  private merge(names: readonly string[], values: readonly Value[], at: number, receivedAt: number): void {
    values.forEach((value, index) => {
      const name = names[index] as string;
      if (value === null) return;
      const held = this.values.get(name);
      if (held && at < held.at && held.at <= receivedAt + MOST_AHEAD) return;
      this.values.set(name, { value, at, receivedAt });
    });
  }
}

/** When an event happened (P-4.4, P-4.5): it dates nothing else, so only its own arrival counts. */
export function eventTime(time: number | null, arrival: number): number {
  const at = absolute(time, arrival);
  return at < EARLIEST || at > arrival + MOST_AHEAD ? arrival : at;
}

/** P-4.4. */
function absolute(time: number | null, arrival: number): number {
  if (time === null) return arrival;
  return time < 0 ? arrival + time : time;
}

/** A clock that was set back must not make newer data look older (scale.md, seam 5). */
function steady(arrival: number, newest: number): number {
  return newest > arrival && newest <= arrival + MOST_AHEAD ? newest : arrival;
}

export class Model {
  private readonly devices = new Map<string, ModelDevice>();

  apply(entry: DurableEntry, process: string): void {
    this.of(`${entry.source.customer}/${entry.source.device}`).apply(entry, process);
  }

  of(name: string): ModelDevice {
    const known = this.devices.get(name) ?? new ModelDevice(name);
    this.devices.set(name, known);
    return known;
  }

  all(): IterableIterator<ModelDevice> {
    return this.devices.values();
  }
}
