/**
 * Decodes a record of the log into what devices sent: each frame with its source, its arrival by the broker's own clock,
 * and its position. The replay at start and the MQTT bridge read the log with it. Owns a frame reader for each source, so
 * that a source's layout is worked out once and frames of one layout share the names of their metrics.
 */
import { readBatch, type SessionEvent, type Source } from '../../store/batch.ts';
import type { LogRecord } from '../../store/ports.ts';
import type { Position } from '../../store/position.ts';
import type { DeviceFrame } from '../../wire/frames.ts';
import { FrameReader } from '../../wire/reader.ts';

interface LogItemOf<Kind> {
  readonly kind: Kind;
  /** The same object for everything that a source sent, as long as its segment is read. */
  readonly source: Source;
  /** When the broker got it, Unix ms. */
  readonly arrival: number;
  /** Of the record that holds it. */
  readonly position: Position;
}

export interface LogFrame extends LogItemOf<'frame'> {
  readonly frame: DeviceFrame;
}

/** A session was opened, is ready, or ended. */
export interface LogSession extends LogItemOf<'session'> {
  readonly event: SessionEvent;
}

/** A frame that the log should not hold. */
export interface UnreadableFrame extends LogItemOf<'unreadable'> {
  readonly error: unknown;
}

export type LogItem = LogFrame | LogSession | UnreadableFrame;

export class LogFrames {
  private readonly readers = new WeakMap<Source, FrameReader>();

  /** In order. Throws RangeError where a record is none that a broker wrote. */
  *read(record: LogRecord): Generator<LogItem> {
    const { position } = record;
    for (const entry of readBatch(record)) {
      const { source } = entry;
      if (entry.kind === 'frame') yield this.frameOf(source, entry.arrival, position, entry.frame);
      else yield { kind: 'session', source, arrival: entry.at, position, event: entry.event };
    }
  }

  private frameOf(
    source: Source,
    arrival: number,
    position: Position,
    bytes: Uint8Array,
  ): LogFrame | UnreadableFrame {
    try {
      return { kind: 'frame', source, arrival, position, frame: this.readerOf(source).read(bytes) };
    } catch (error) {
      return { kind: 'unreadable', source, arrival, position, error };
    }
  }

  private readerOf(source: Source): FrameReader {
    const known = this.readers.get(source);
    if (known) return known;
    const reader = new FrameReader(0);
    reader.fields = source.fields;
    this.readers.set(source, reader);
    return reader;
  }
}
