/**
 * The last-known state of one device: for every metric its newest value and when it was measured (P-4.6). Owns the
 * columns, and which of them changed since they were saved. A column is reserved when a frame is accepted and gets its
 * first value when that frame is committed; until then nobody sees it.
 */
import type { Sample, Value } from '../../wire/frames.ts';
import { replaces, StateCost } from './state-cost.ts';

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

/** What a checkpoint gives back; with a value of null it is only reserved. */
export type SavedMetric = Omit<MetricValue, 'rev'>;

/**
 * A column as a checkpoint holds it: `[name]` is reserved and has no value yet; of `[name, measured at, received at]` the
 * value is a part of its own; else `[name, value, measured at, received at]`.
 */
export type ColumnEntry =
  | readonly [string]
  | readonly [string, number, number]
  | readonly [string, Value, number, number];

/** Why a frame is not taken (schemas/errors.ts). */
export type StateRefusal = 'too-many-metrics' | 'value-too-big' | 'state-too-big';

/** What one device's state may be. */
export interface StateLimits {
  readonly metricsPerDevice: number;
  /** Costs (wire/cost.ts). */
  readonly stateBytes: number;
  readonly valueBytes: number;
}

export class MetricTable {
  private readonly cost = new StateCost();
  private readonly columnOf = new Map<string, number>();
  private readonly names: string[] = [];
  private readonly values: Value[] = [];
  private readonly measuredAt: number[] = [];
  private readonly receivedAt: number[] = [];
  private readonly revisions: number[] = [];
  /** 1: changed, or reserved, since it was saved. */
  private readonly unsaved: number[] = [];
  /** Columns whose saved value is a part of its own (telemetry/device-record.ts); null: none ever was. */
  private apart: Set<number> | null = null;
  private sizeBefore = 0;
  private lastNames: readonly string[] | null = null;
  private lastColumns: Columns = [];

  /** Reserves a column for each name; null if that would pass `limit`. Cached by the identity of `names`. */
  columnsFor(names: readonly string[], limit: number): Columns | null {
    if (names === this.lastNames) return this.lastColumns;
    const fresh = names.reduce((count, name) => count + (this.columnOf.has(name) ? 0 : 1), 0);
    if (this.names.length + fresh > limit) return null;
    this.lastColumns = names.map((name) => this.columnOf.get(name) ?? this.addColumn(name));
    this.lastNames = names;
    return this.lastColumns;
  }

  /** Columns, those without a value too. */
  get size(): number {
    return this.names.length;
  }

  /** What the state costs with every accepted frame in it (state-cost.ts). */
  get stateCost(): number {
    return this.cost.total;
  }

  /**
   * The columns of a sample that nothing can be said against, as of most: numbers in the place of numbers, in the layout of the
   * last sample. null: it has to be looked at. Each is followed by `advance`, or its whole frame is reserved.
   */
  plainColumns({ names, values }: Sample): Columns | null {
    if (names !== this.lastNames || !this.cost.costNothing(this.lastColumns, values)) return null;
    return this.lastColumns;
  }

  /** Takes such a sample in. */
  advance(columns: Columns, { values }: Sample, at: number, arrival: number): void {
    this.cost.advance(columns, values, at, arrival);
  }

  /** A frame is about to be accepted: `reserve` each of its samples, then `settle`. */
  begin(arrival: number): void {
    this.sizeBefore = this.names.length;
    this.cost.begin(arrival);
  }

  /** Reserves what one sample of the frame needs, or says why it cannot be; then too the frame must be settled. */
  reserve({ names, values }: Sample, at: number, limits: StateLimits): Columns | StateRefusal {
    const columns = this.columnsFor(names, limits.metricsPerDevice);
    if (!columns) return 'too-many-metrics';
    return this.cost.add(columns, values, at, limits.valueBytes) ? columns : 'value-too-big';
  }

  /** Ends what `begin` began. Refuses a state that costs too much; of a frame that is refused nothing is left. */
  settle(refusal: StateRefusal | null, limits: StateLimits): StateRefusal | null {
    const found = refusal ?? (this.cost.fits(limits.stateBytes) ? null : 'state-too-big');
    if (found) this.giveBack();
    return found;
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
      if (value === null || !replaces(at, this.measuredAt[column] as number, receivedAt)) continue;
      this.values[column] = value;
      this.measuredAt[column] = at;
      this.receivedAt[column] = receivedAt;
      this.revisions[column] = rev;
      this.unsaved[column] = 1;
      changed = true;
    }
    return changed;
  }

  /** Puts back the next column that a checkpoint holds. `saved`: it need not be written again as it is. */
  restore(metric: SavedMetric, rev: number, saved: boolean): void {
    const column = this.columnOf.get(metric.name) ?? this.addColumn(metric.name);
    if (saved) this.unsaved[column] = 0;
    if (metric.value === null) return;
    this.cost.restore(column, metric.value, metric.at);
    this.values[column] = metric.value;
    this.measuredAt[column] = metric.at;
    this.receivedAt[column] = metric.receivedAt;
    this.revisions[column] = rev;
  }

  /** null: it is only reserved. */
  value(column: number): Value {
    return this.values[column] as Value;
  }

  /** What a checkpoint is to hold of a column. */
  entry(column: number): ColumnEntry {
    const name = this.names[column] as string;
    const value = this.values[column] as Value;
    if (value === null) return [name];
    const at = this.measuredAt[column] as number;
    const receivedAt = this.receivedAt[column] as number;
    return this.apart?.has(column) ? [name, at, receivedAt] : [name, value, at, receivedAt];
  }

  /** The columns that changed since they were saved; they count as saved now. */
  takeUnsaved(): number[] {
    const { unsaved } = this;
    const columns: number[] = [];
    for (let column = 0; column < unsaved.length; column += 1) {
      if (unsaved[column] === 0) continue;
      unsaved[column] = 0;
      columns.push(column);
    }
    return columns;
  }

  /** Whether the column's saved value is a part of its own. */
  isApart(column: number): boolean {
    return this.apart?.has(column) ?? false;
  }

  setApart(column: number, isApart: boolean): void {
    if (isApart) this.apart = (this.apart ?? new Set()).add(column);
    else this.apart?.delete(column);
  }

  /** Something could not be saved: all of it is saved again. */
  markUnsaved(): void {
    this.unsaved.fill(1);
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

  private giveBack(): void {
    const size = this.sizeBefore;
    this.cost.giveBack(size);
    if (this.names.length === size) return;
    for (const name of this.names.slice(size)) this.columnOf.delete(name);
    for (const column of [
      this.names,
      this.values,
      this.measuredAt,
      this.receivedAt,
      this.revisions,
      this.unsaved,
    ])
      column.length = size;
    this.lastNames = null;
  }

  private addColumn(name: string): number {
    const column = this.names.length;
    this.columnOf.set(name, column);
    this.cost.addColumn(name);
    this.names.push(name);
    this.values.push(null);
    this.measuredAt.push(Number.NEGATIVE_INFINITY);
    this.receivedAt.push(0);
    this.revisions.push(0);
    this.unsaved.push(1);
    return column;
  }
}
