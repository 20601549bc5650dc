/**
 * Charges what the last-known state of one device costs (wire/cost.ts), with every accepted frame in it, committed or not.
 * Frames are applied in the order in which they are accepted, so it is known beforehand what they add up to, and a frame
 * that would cost too much is refused before anything of it is kept. Owns those sums, and none of the values.
 */
import { costOf, costOfKey, ITEM_COST } from '../../wire/cost.ts';
import type { Value } from '../../wire/frames.ts';

/** What the frame that is being accepted has replaced: one for all, for accepting a frame is synchronous. */
const before: { readonly columns: number[]; readonly times: number[]; readonly costs: number[] } = {
  columns: [],
  times: [],
  costs: [],
};

/** P-4.5: a time that lies further ahead of its arrival cannot be right. */
export const MOST_AHEAD = 10 * 60 * 1000;

/**
 * Whether a value that was measured at `at` takes the place of one of `held` (P-4.6). That one may not have been ahead when it
 * came, if the broker's clock was: once it is right again, a value of the future must not hold until then.
 */
export function replaces(at: number, held: number, arrival: number): boolean {
  return at >= held || held > arrival + MOST_AHEAD;
}

export class StateCost {
  /** When the newest accepted value of each column was measured, and what it costs. */
  private readonly times: number[] = [];
  private readonly costs: number[] = [];
  private sum = 0;
  private sumBefore = 0;
  /** Of the frame that is being accepted; Unix ms. */
  private arrival = 0;

  /** Of all names and values. */
  get total(): number {
    return this.sum;
  }

  addColumn(name: string): void {
    this.times.push(Number.NEGATIVE_INFINITY);
    this.costs.push(0);
    this.sum += costOfKey(name);
  }

  /** What a checkpoint holds. */
  restore(column: number, value: Value, at: number): void {
    this.replace(column, at, costOf(value));
  }

  /** Whether these values, of columns that hold such values already, cost no more and no less than what they replace. */
  costNothing(columns: readonly number[], values: readonly Value[]): boolean {
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      if (typeof value !== 'number' && value !== null) return false;
      if (this.costs[columns[index] as number] !== ITEM_COST.scalar) return false;
    }
    return true;
  }

  /** One sample whose values cost nothing more. */
  advance(columns: readonly number[], values: readonly Value[], at: number, arrival: number): void {
    const { times } = this;
    for (let index = 0; index < values.length; index += 1) {
      const column = columns[index] as number;
      if (values[index] !== null && replaces(at, times[column] as number, arrival)) times[column] = at;
    }
  }

  /** A frame begins, which may be given back. */
  begin(arrival: number): void {
    this.arrival = arrival;
    before.columns.length = 0;
    before.times.length = 0;
    before.costs.length = 0;
    this.sumBefore = this.sum;
  }

  /** One sample of it. false: one of its values costs more than `valueBytes`. */
  add(columns: readonly number[], values: readonly Value[], at: number, valueBytes: number): boolean {
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index] as Value;
      if (value === null) continue;
      const cost = costOf(value);
      if (cost > valueBytes) return false;
      const column = columns[index] as number;
      // As the table will merge it (P-4.6).
      if (!replaces(at, this.times[column] as number, this.arrival)) continue;
      before.columns.push(column);
      before.times.push(this.times[column] as number);
      before.costs.push(this.costs[column] as number);
      this.replace(column, at, cost);
    }
    return true;
  }

  /** Whether the frame may stay. One that adds nothing may, also where the state costs too much already. */
  fits(stateBytes: number): boolean {
    return this.sum <= stateBytes || this.sum <= this.sumBefore;
  }

  /** Takes the frame back, and the columns from `columns` on, which it had brought. */
  giveBack(columns: number): void {
    for (let index = before.columns.length - 1; index >= 0; index -= 1) {
      const column = before.columns[index] as number;
      this.times[column] = before.times[index] as number;
      this.costs[column] = before.costs[index] as number;
    }
    this.times.length = columns;
    this.costs.length = columns;
    this.sum = this.sumBefore;
  }

  private replace(column: number, at: number, cost: number): void {
    this.sum += cost - (this.costs[column] as number);
    this.times[column] = at;
    this.costs[column] = cost;
  }
}
