/**
 * What is durable in the telemetry log at any moment, read from the disk's own bytes as they are synced: the one thing that judges believe. Which
 * records are whole is found by the format's description, not by the broker's reader of segments. Tells every frame and every word of a session
 * that has ever been durable, in log order.
 */

import { crc32 } from 'node:zlib';
import { LogFrames } from '../../broker/hub/telemetry/log-frames.ts';
import { type SessionEvent, type Source, sourcesIn } from '../../broker/store/batch.ts';
import { positionOf } from '../../broker/store/position.ts';
import type { DeviceFrame } from '../../broker/wire/frames.ts';

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

const HEADER_BYTES = 16;
const NAME = /(\d{16})\.log$/;

/** A copy of the payload of the record that stands at `position`, if it is whole (docs/decisions/0004-log-format.md). */
function payloadAt(bytes: Buffer, offset: number, position: number): Buffer | null {
  const start = offset + HEADER_BYTES;
  if (start > bytes.length) return null;
  const signed = Buffer.alloc(20);
  signed.writeDoubleLE(position, 0);
  bytes.copy(signed, 8, offset, offset + 12);
  const length = bytes.readUInt32LE(offset);
  if (bytes.readUInt32LE(offset + 12) !== crc32(signed) || start + length > bytes.length) return null;
  const payload = Buffer.from(bytes.subarray(start, start + length));
  return crc32(payload) === bytes.readUInt32LE(offset + 8) ? payload : null;
}

export class DurableLog {
  private readonly segments = new Map<string, Segment>();
  private readonly frames = new LogFrames();
  private readonly listener: (entry: DurableEntry) => void;

  /** `listener` hears of each entry once, in log order, at the moment in which it is durable. */
  constructor(listener: (entry: DurableEntry) => void) {
    this.listener = listener;
  }

  /** For the disk. */
  synced(path: string, content: Uint8Array): void {
    const base = Number(NAME.exec(path)?.[1] ?? Number.NaN);
    if (Number.isNaN(base)) return;
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const segment = this.segments.get(path) ?? { read: 0, sources: [] };
    this.segments.set(path, segment);
    for (;;) {
      const payload = payloadAt(bytes, segment.read, base + segment.read);
      if (!payload) return;
      this.record(segment, payload, base + segment.read);
      segment.read += HEADER_BYTES + payload.length;
    }
  }

  private record(segment: Segment, payload: Buffer, position: number): void {
    const found = sourcesIn(payload);
    if (found?.before === 0) segment.sources.length = 0;
    if (found) segment.sources.push(...found.sources);
    const at = positionOf(position);
    const end = positionOf(position + HEADER_BYTES + payload.length);
    for (const item of this.frames.read({ payload, sources: segment.sources, position: at, end })) {
      const { source, arrival } = item;
      if (item.kind === 'unreadable') throw item.error;
      if (item.kind === 'session') {
        this.listener({ kind: 'session', source, at: arrival, event: item.event, position });
      } else this.listener({ kind: 'frame', source, arrival, frame: item.frame, position });
    }
  }
}
