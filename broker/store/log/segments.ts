/** The log's segments as the event loop knows them. Owns the list and the end of what is durable. */
import { join } from 'node:path';
import type { LogBounds } from '../ports.ts';
import { segmentName } from './format.ts';
import type { SegmentFile } from './recovery.ts';

export interface Segment {
  readonly base: number;
  /** Where the next one begins; the end of what is durable for the last. */
  end: number;
  /** When it was begun, or last written by the process before; Unix ms. */
  begunAt: number;
  /** When it was closed; null for the last. */
  closedAt: number | null;
}

export class Segments {
  private readonly folder: string;
  private readonly list: Segment[];

  /** `files` as recovered: in order, at least one. */
  constructor(folder: string, files: readonly SegmentFile[]) {
    this.folder = folder;
    this.list = files.map(({ base, bytes, modifiedAt }, index) => ({
      base,
      end: base + bytes,
      begunAt: modifiedAt,
      closedAt: index < files.length - 1 ? modifiedAt : null,
    }));
  }

  get bounds(): LogBounds {
    return { first: (this.list[0] as Segment).base, end: this.last.end };
  }

  get count(): number {
    return this.list.length;
  }

  get last(): Segment {
    return this.list[this.list.length - 1] as Segment;
  }

  /** Those that no longer grow, oldest first. */
  get closed(): readonly Segment[] {
    return this.list.slice(0, -1);
  }

  path(segment: Segment): string {
    return join(this.folder, segmentName(segment.base));
  }

  /** The segment that holds `position`, which must lie within the bounds and below the end. */
  holding(position: number): Segment {
    return this.list.findLast((segment) => segment.base <= position) as Segment;
  }

  grow(end: number): void {
    this.last.end = end;
  }

  roll(base: number, now: number): void {
    this.last.closedAt = now;
    this.list.push({ base, end: base, begunAt: now, closedAt: null });
  }

  /** Takes the oldest `count` off the list. */
  drop(count: number): void {
    this.list.splice(0, count);
  }
}
