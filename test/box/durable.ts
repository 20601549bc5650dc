/**
 * What is durable in the telemetry log at any moment, read from the disk's own bytes as they are synced: the one thing that judges believe.
 * Owns every frame and every word of a session that has ever been durable, in log order.
 */
import { readBatch, type SessionEvent, type Source, sourcesIn } from '../../broker/store/batch.ts';
import { decodeHeader, HEADER_BYTES, payloadIsWhole, segmentBase } from '../../broker/store/log/format.ts';
import type { DeviceFrame } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';

export type DurableEntry =
  | {
      readonly kind: 'frame';
      readonly source: Source;
      readonly arrival: number;
      readonly frame: DeviceFrame;
      readonly position: number;
    }
  | {
      readonly kind: 'session';
      readonly source: Source;
      readonly at: number;
      readonly event: SessionEvent;
      readonly position: number;
    };

interface Segment {
  /** Up to where it was read. */
  read: number;
  readonly sources: Source[];
}

export class DurableLog {
  private readonly segments = new Map<string, Segment>();
  private readonly readers = new WeakMap<Source, FrameReader>();
  private readonly listener: (entry: DurableEntry) => void;

  /** `listener` hears of each entry once, in log order, at the moment in which it is durable. */
  constructor(listener: (entry: DurableEntry) => void) {
    this.listener = listener;
  }

  /** For the disk. */
  synced(path: string, content: Uint8Array): void {
    const base = segmentBase(path.slice(path.lastIndexOf('/') + 1));
    if (base === null) return;
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const segment = this.segments.get(path) ?? { read: 0, sources: [] };
    this.segments.set(path, segment);
    for (;;) {
      const header = decodeHeader(bytes, segment.read, base + segment.read);
      const start = segment.read + HEADER_BYTES;
      if (!header || start + header.length > bytes.length) return;
      // Copied: the disk goes on with its memory.
      const payload = Buffer.from(bytes.subarray(start, start + header.length));
      if (!payloadIsWhole(header, payload)) return;
      this.record(segment, payload, base + segment.read);
      segment.read = start + header.length;
    }
  }

  private record(segment: Segment, payload: Buffer, position: number): void {
    const found = sourcesIn(payload);
    if (found?.before === 0) segment.sources.length = 0;
    if (found) segment.sources.push(...found.sources);
    for (const entry of readBatch({ payload, sources: segment.sources })) {
      const { source } = entry;
      if (entry.kind === 'session') {
        this.listener({ kind: 'session', source, at: entry.at, event: entry.event, position });
      } else {
        const frame = this.readerOf(source).read(entry.frame);
        this.listener({ kind: 'frame', source, arrival: entry.arrival, frame, position });
      }
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
