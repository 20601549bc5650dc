/**
 * Hands records of the telemetry log to the bridge's thread, a bounded number of bytes at a time, and moves the cursor
 * when the server has them. Owns the log's reader `mqtt`. While the server is away it soon stops reading, and the log
 * keeps the rest.
 */
import { inBackground } from '../base/background.ts';
import type { Logger } from '../base/logger.ts';
import { readBatch, type SourceTable } from '../store/batch.ts';
import type { LogReader, LogRecord, StoredRecord, TelemetryLog } from '../store/ports.ts';
import type { Position } from '../store/position.ts';
import type { RecordPortion } from './thread/log-messages.ts';

export interface LogFeedParts {
  readonly log: Pick<TelemetryLog, 'bytesBetween' | 'reader' | 'stats' | 'saveCursors'>;
  readonly send: (portion: RecordPortion, transfer: ArrayBuffer[]) => void;
  readonly logger: Logger;
}

/** What the peer does not have yet. */
export interface Backlog {
  readonly bytes: number;
  /** Arrival of the oldest frame, Unix ms; null: nothing waits. */
  readonly oldestAt: number | null;
}

interface Unread {
  readonly end: Position;
  readonly bytes: number;
}

/** Records whose first frames arrived within a second or so. */
interface Unsent {
  end: Position;
  readonly arrival: number;
}

/** The name of the cursor. */
const READER = 'mqtt';
const PORTION_BYTES = 512 * 1024;
const AGE_STEP_MS = 1000;
/** With the thread and not read by it. */
const OUTSTANDING_BYTES = 4 * 1024 * 1024;

export class LogFeed {
  private readonly parts: LogFeedParts;
  private reader: LogReader | null = null;
  /** Records that the thread has not read, and records that the peer does not have. Oldest first. */
  private unread: Unread[] = [];
  private unsent: Unsent[] = [];
  private outstanding = 0;
  /** The table that the thread has, and how much of it. */
  private table: SourceTable | null = null;
  private knownSources = 0;
  private roomMade: (() => void) | null = null;
  private saving: 'yes' | 'no' = 'no';
  /** Counts openings and closings: one may overtake the other. */
  private opened = 0;

  constructor(parts: LogFeedParts) {
    this.parts = parts;
  }

  /** Begins to read for a new thread, from the cursor on; the first time ever from the log's end. */
  async open(): Promise<void> {
    this.close();
    const { opened } = this;
    const reader = await this.parts.log.reader(READER, 'end');
    if (opened !== this.opened) return reader.close();
    this.reader = reader;
    // The first time ever it stands at the log's end: what comes from now on is owed to the peer.
    void this.parts.log.saveCursors();
    this.unread = [];
    this.unsent = [];
    this.outstanding = 0;
    this.table = null;
    inBackground(this.run(reader), this.parts.logger, 'The MQTT bridge cannot read the log any more.');
  }

  /** The peer has everything before `done`, the thread has read everything before `read`. */
  progress(done: Position | null, read: Position | null): void {
    if (done !== null && this.reader) {
      this.reader.advance(done);
      this.unsent = this.unsent.filter(({ end }) => end > done);
    }
    if (read === null) return;
    while (this.unread[0] && this.unread[0].end <= read) {
      this.outstanding -= (this.unread.shift() as Unread).bytes;
    }
    this.makeRoom();
  }

  /** Makes what the peer has acknowledged durable; one at a time, since the next saves what came meanwhile. */
  saveCursor(): void {
    if (this.saving === 'yes') return;
    this.saving = 'yes';
    void this.parts.log.saveCursors().then(() => {
      this.saving = 'no';
    });
  }

  get position(): Position | null {
    return this.reader?.position ?? null;
  }

  get backlog(): Backlog {
    const { reader } = this;
    if (!reader) return { bytes: 0, oldestAt: null };
    const { log } = this.parts;
    const bytes = log.bytesBetween(reader.position, log.stats().end);
    return { bytes, oldestAt: this.unsent[0]?.arrival ?? null };
  }

  /** Bytes that retention took before the peer had them. */
  get lostBytes(): number {
    return this.parts.log.stats().lost[READER] ?? 0;
  }

  /** The cursor stays where it is. Idempotent. */
  close(): void {
    this.opened += 1;
    this.reader?.close();
    this.reader = null;
    this.makeRoom();
  }

  private async run(reader: LogReader): Promise<void> {
    while (this.reader === reader) {
      if (this.outstanding >= OUTSTANDING_BYTES) {
        await this.room();
        continue;
      }
      const records = await reader.next(PORTION_BYTES);
      if (this.reader === reader && records.length > 0) this.handOut(records);
    }
  }

  private handOut(records: readonly LogRecord[]): void {
    for (const record of records) {
      const { end, payload } = record;
      this.unread.push({ end, bytes: payload.length });
      this.outstanding += payload.length;
      this.noteUnsent(end, arrivalOf(record));
    }
    for (const portion of byTable(records)) this.send(portion);
  }

  /** Records of one table; of its sources, those go with them that the thread does not have. */
  private send(records: readonly [LogRecord, ...LogRecord[]]): void {
    const [{ sources: table }] = records;
    if (table !== this.table) this.knownSources = 0;
    this.table = table;
    const { knownSources } = this;
    this.knownSources = table.length;
    const { copies, buffer } = copy(records);
    this.parts.send({ records: copies, knownSources, sources: table.slice(knownSources) }, [buffer]);
  }

  /** Its age is wanted to the second: a peer that is away for days must not cost a line for each record. */
  private noteUnsent(end: Position, arrival: number | null): void {
    const last = this.unsent.at(-1);
    if (last && (arrival === null || arrival - last.arrival < AGE_STEP_MS)) last.end = end;
    else if (arrival !== null) this.unsent.push({ end, arrival });
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.roomMade = resolve;
    });
  }

  private makeRoom(): void {
    this.roomMade?.();
    this.roomMade = null;
  }
}

/** Parts of them that name sources of one table each. */
function byTable(records: readonly LogRecord[]): [LogRecord, ...LogRecord[]][] {
  const parts: [LogRecord, ...LogRecord[]][] = [];
  for (const record of records) {
    const part = parts.at(-1);
    if (part && part[0].sources === record.sources) part.push(record);
    else parts.push([record]);
  }
  return parts;
}

/** The log shares its records with other readers: the thread gets memory of its own. */
function copy(records: readonly LogRecord[]): { copies: StoredRecord[]; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(records.reduce((sum, { payload }) => sum + payload.length, 0));
  let at = 0;
  const copies = records.map(({ position, end, payload }) => {
    const own = new Uint8Array(buffer, at, payload.length);
    own.set(payload);
    at += payload.length;
    return { position, end, payload: own };
  });
  return { copies, buffer };
}

function arrivalOf(record: LogRecord): number | null {
  const first = readBatch(record).next();
  if (first.done) return null;
  return first.value.kind === 'frame' ? first.value.arrival : first.value.at;
}
