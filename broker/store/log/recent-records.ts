/** Holds the newest records in memory, for readers that keep up. Owns them; bounded in bytes, the oldest go first. */
import type { LogRecord } from '../ports.ts';
import type { Position } from '../position.ts';

export class RecentRecords {
  private readonly maxBytes: number;
  /** Dropped ones leave null: a reference would keep their memory until the array is cut. */
  private records: (LogRecord | null)[] = [];
  /** Records before this index are gone; the array is cut now and then, not at every record. */
  private head = 0;
  private held = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Of the memory behind the payloads. */
  get bytes(): number {
    return this.held;
  }

  /** Position of the oldest record here; null if there is none. */
  get first(): Position | null {
    return this.records[this.head]?.position ?? null;
  }

  get full(): boolean {
    return this.held > this.maxBytes;
  }

  push(record: LogRecord): void {
    this.records.push(record);
    this.held += record.payload.buffer.byteLength;
  }

  dropOldest(): LogRecord | null {
    const oldest = this.records[this.head];
    if (!oldest) return null;
    this.records[this.head] = null;
    this.head += 1;
    this.held -= oldest.payload.buffer.byteLength;
    if (this.head > 1024 && this.head * 2 > this.records.length) {
      this.records = this.records.slice(this.head);
      this.head = 0;
    }
    return oldest;
  }

  /** The records from `position` on, at least one, of about `maxBytes`; null if `position` is not here. */
  from(position: Position, maxBytes: number): LogRecord[] | null {
    const start = this.indexOf(position);
    if (start === null) return null;
    let end = start + 1;
    let bytes = this.sizeAt(start);
    while (end < this.records.length && bytes + this.sizeAt(end) <= maxBytes) {
      bytes += this.sizeAt(end);
      end += 1;
    }
    return this.records.slice(start, end) as LogRecord[];
  }

  private sizeAt(index: number): number {
    return this.records[index]?.payload.length ?? 0;
  }

  /** Binary search. */
  private indexOf(position: Position): number | null {
    let low = this.head;
    let high = this.records.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = (this.records[middle] as LogRecord).position;
      if (found === position) return middle;
      if (found < position) low = middle + 1;
      else high = middle - 1;
    }
    return null;
  }
}
