/**
 * The last-known state of one device: for every metric its newest value and when it was measured (P-4.6). Owns the
 * columns. A column is reserved when a frame is accepted and gets its first value when that frame is committed;
 * until then nobody sees it.
 */
import type { Sample, Value } from '../wire/frames.ts';

export interface MetricValue {
  readonly name: string;
  readonly value: Value;
  /** When it was measured, and when it arrived; Unix ms. */
  readonly at: number;
  readonly receivedAt: number;
  /** The revision that brought it. */
  readonly rev: number;
}

/** Positions of a layout's names in a device's table. */
export type Columns = readonly number[];

export class MetricTable {
  private readonly columnOf = new Map<string, number>();
  private readonly names: string[] = [];
  private readonly values: Value[] = [];
  private readonly measuredAt: number[] = [];
  private readonly receivedAt: number[] = [];
  private readonly revisions: number[] = [];
  private lastNames: readonly string[] | null = null;
  private lastColumns: Columns = [];

  /** Reserves a column for each name; null if that would pass `limit`. Cached by the identity of `names`. */
  columnsFor(names: readonly string[], limit: number): Columns | null {
    if (names === this.lastNames) return this.lastColumns;
    const fresh = names.reduce((count, name) => count + (this.columnOf.has(name) ? 0 : 1), 0);
    if (this.names.length + fresh > limit) return null;
    this.lastColumns = names.map((name) => this.columnOf.get(name) ?? this.reserve(name));
    this.lastNames = names;
    return this.lastColumns;
  }

  /**
   * Merges one sample. `null` leaves the last-known value (P-2.4); an older sample never replaces a newer value
   * (P-4.6), one of the same time does. Returns whether anything changed.
   */
  merge(columns: Columns, sample: Sample, at: number, receivedAt: number, rev: number): boolean {
    const { values } = sample;
    let changed = false;
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index] as Value;
      const column = columns[index] as number;
      if (value === null || at < (this.measuredAt[column] as number)) continue;
      this.values[column] = value;
      this.measuredAt[column] = at;
      this.receivedAt[column] = receivedAt;
      this.revisions[column] = rev;
      changed = true;
    }
    return changed;
  }

  /** Puts back what a checkpoint holds. */
  restore(metric: MetricValue): void {
    const column = this.columnOf.get(metric.name) ?? this.reserve(metric.name);
    this.values[column] = metric.value;
    this.measuredAt[column] = metric.at;
    this.receivedAt[column] = metric.receivedAt;
    this.revisions[column] = metric.rev;
  }

  /** The values that came after revision `since` (0: all), in the order in which the metrics were first seen. */
  *changedSince(since: number): Generator<MetricValue> {
    for (let column = 0; column < this.names.length; column += 1) {
      const rev = this.revisions[column] as number;
      if (rev <= since) continue;
      yield {
        name: this.names[column] as string,
        value: this.values[column] as Value,
        at: this.measuredAt[column] as number,
        receivedAt: this.receivedAt[column] as number,
        rev,
      };
    }
  }

  private reserve(name: string): number {
    const column = this.names.length;
    this.columnOf.set(name, column);
    this.names.push(name);
    this.values.push(null);
    this.measuredAt.push(Number.NEGATIVE_INFINITY);
    this.receivedAt.push(0);
    this.revisions.push(0);
    return column;
  }
}
