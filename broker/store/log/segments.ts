/**
 * The log's segments as the event loop knows them. `Segments` owns their list and the end of what is durable. Its ages go
 * by the monotonic clock; the files' own times count only at a start, and never for a longer gap than a running broker
 * leaves between segments, so that a wrong clock makes nothing old (docs/decisions/0005-retention.md). `expired` decides
 * which segments may go. `SegmentRemover` owns the list of those that go and unlinks them, oldest first, since a gap would
 * look like damage at the next start; it tries again what failed.
 */
import { join } from 'node:path';
import type { Logger } from '../../base/logger.ts';
import { SerialQueue } from '../../base/serial-queue.ts';
import type { LogBounds } from '../ports.ts';
import { positionOf } from '../position.ts';
import type { SegmentReads } from './files.ts';
import { segmentName } from './format.ts';
import type { SegmentFile } from './recovery.ts';

export interface RetentionLimits {
  /** The whole log, the open segment included. */
  readonly bytes: number;
  readonly ageMs: number;
  /** How long a segment stays that everybody has passed: for readers that are yet to come. */
  readonly keepMs: number;
}

export interface RetentionView {
  /** Monotonic ms. */
  readonly now: number;
  readonly end: number;
  /** The lowest cursor of all readers; `end` if there is none. */
  readonly passed: number;
  /** The lowest hold; `end` if there is none. Nothing from here on is ever dropped, whatever the limits say. */
  readonly held: number;
}

/** The oldest of `closed` that are to be dropped, in order. */
export function expired(
  closed: readonly Segment[],
  limits: RetentionLimits,
  view: RetentionView,
): readonly Segment[] {
  const kept = closed.findIndex((segment) => segment.end > view.held || !mayGo(segment, limits, view));
  return kept === -1 ? closed : closed.slice(0, kept);
}

function mayGo(segment: Segment, limits: RetentionLimits, view: RetentionView): boolean {
  const age = view.now - (segment.closedAt ?? view.now);
  if (view.end - segment.base > limits.bytes || age > limits.ageMs) return true;
  return segment.end <= view.passed && age > limits.keepMs;
}

export class SegmentRemover {
  private readonly files: Pick<SegmentReads, 'remove'>;
  private readonly logger: Logger;
  private readonly paths: string[] = [];
  private readonly removals = new SerialQueue();

  constructor(files: Pick<SegmentReads, 'remove'>, logger: Logger) {
    this.files = files;
    this.logger = logger;
  }

  /** `paths` are newer than all before. */
  remove(paths: readonly string[]): void {
    this.paths.push(...paths);
    this.removals.run(() => this.unlinkAll());
  }

  /** Resolves when what was asked for has been tried. */
  idle(): Promise<void> {
    return this.removals.idle();
  }

  private async unlinkAll(): Promise<void> {
    for (let path = this.paths[0]; path; path = this.paths[0]) {
      try {
        await this.files.remove(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          this.logger.error(
            { err: error, path },
            'A log segment could not be removed; it will be tried again.',
          );
          return;
        }
      }
      this.paths.shift();
    }
  }
}

export interface Segment {
  readonly base: number;
  /** Where the next one begins; the end of what is durable for the last. */
  end: number;
  /** When it was begun, or last written by the process before; monotonic ms. */
  begunAt: number;
  /** When it was closed, monotonic ms; null for the last. */
  closedAt: number | null;
}

/** What the times of the files are compared with. */
export interface SegmentTimes {
  /** Unix ms. */
  readonly wall: number;
  /** The same moment, monotonic ms. */
  readonly monotonic: number;
  /** The longest that may lie between two segments, or between the last one and now; ms. */
  readonly longestGap: number;
}

export class Segments {
  private readonly folder: string;
  private readonly list: Segment[];

  /** `files` as recovered: in order, at least one. */
  constructor(folder: string, files: readonly SegmentFile[], times: SegmentTimes) {
    this.folder = folder;
    const writtenAt = lastWrites(files, times);
    this.list = files.map(({ base, bytes }, index) => {
      const at = writtenAt[index] as number;
      return { base, end: base + bytes, begunAt: at, closedAt: index < files.length - 1 ? at : null };
    });
  }

  get bounds(): LogBounds {
    return { first: positionOf((this.list[0] as Segment).base), end: positionOf(this.last.end) };
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

  /** `now`: monotonic ms. */
  roll(base: number, now: number): void {
    this.last.closedAt = now;
    this.list.push({ base, end: base, begunAt: now, closedAt: null });
  }

  /** Takes the oldest `count` off the list. */
  drop(count: number): void {
    this.list.splice(0, count);
  }
}

/** When each file was written last; monotonic ms, never later than the one after it. */
function lastWrites(files: readonly SegmentFile[], { wall, monotonic, longestGap }: SegmentTimes): number[] {
  const writes: number[] = [];
  let at = monotonic;
  let later = wall;
  for (const { modifiedAt } of files.toReversed()) {
    at -= Math.min(longestGap, Math.max(0, later - modifiedAt));
    later = modifiedAt;
    writes.push(at);
  }
  return writes.reverse();
}
