/**
 * Reads `values` (P-2.4) and checks their schema on the way. Owns the layouts at hand: the fields of the session's
 * hello, and the names of the last named sample, which are handed out again as long as a device sends the same ones.
 */
import type { ErrorCode } from '../../schemas/errors.ts';
import { METRIC_NAME } from '../../schemas/frames.ts';
import { FrameError } from './frame-error.ts';
import type { Value } from './frames.ts';
import { type ItemReader, MAJOR } from './item-reader.ts';
import type { Name } from './names.ts';

const NONE: readonly string[] = [];
/** Up to here comparing with each name beats making a set of them. */
const SMALL = 16;

export class SampleReader {
  fields: readonly string[] | null = null;
  /** The names of the sample that was read last. */
  names: readonly string[] = NONE;
  /** The first thing that broke the schema in this frame; the frame is still read to its end (P-2.3). */
  fault: ErrorCode | null = null;
  faultDetail: string | undefined = undefined;
  private lastNamed: readonly string[] = NONE;
  private readonly items: ItemReader;

  constructor(items: ItemReader) {
    this.items = items;
  }

  /** Reads one `values` item at `depth`; the names that go with them are in `names`. */
  read(depth: number): Value[] {
    const major = this.items.peek();
    if (major === MAJOR.array) return this.positional(depth);
    if (major === MAJOR.map) return this.named(depth);
    this.items.item(depth);
    this.note('bad-telemetry', 'values is a map of metrics, or an array in the order of the fields.');
    return [];
  }

  note(code: ErrorCode, detail?: string): void {
    if (this.fault !== null) return;
    this.fault = code;
    this.faultDetail = detail;
  }

  private positional(depth: number): Value[] {
    const length = this.items.openArray(depth);
    // At its size from the start (the length was checked): growing by push takes room for 17 values.
    const values = new Array<Value>(length);
    for (let index = 0; index < length; index += 1) values[index] = this.items.item(depth + 1);
    this.names = this.fields ?? NONE;
    if (this.fields === null) this.note('no-fields');
    else if (length > this.fields.length) this.note('too-many-values');
    return values;
  }

  private named(depth: number): Value[] {
    const { items, lastNamed } = this;
    const length = items.openMap(depth);
    const values = new Array<Value>(length);
    for (let index = 0; index < length; index += 1) {
      const key = items.key();
      if (key.text !== lastNamed[index]) return this.newLayout(key, length, values.slice(0, index), depth);
      values[index] = items.item(depth + 1);
    }
    // Equal so far, but shorter: the layout is its beginning.
    this.names = length === lastNamed.length ? lastNamed : this.remember(lastNamed.slice(0, length));
    return values;
  }

  /** Goes on from the pair whose key, just read, differs from the last layout. */
  private newLayout(first: Name, length: number, values: Value[], depth: number): Value[] {
    const { items } = this;
    const names = this.lastNamed.slice(0, values.length);
    const seen = length > SMALL ? new Set(names) : null;
    let valid = true;
    for (let key = first; ; key = items.key()) {
      if (seen?.has(key.text) ?? names.includes(key.text)) throw new FrameError('key-repeated');
      seen?.add(key.text);
      names.push(key.text);
      items.chargeName();
      valid = this.isMetric(key) && valid;
      values.push(items.item(depth + 1));
      if (names.length === length) break;
    }
    // What a layout holds is not checked again, so one with a bad name must not become the last (P-1.4).
    this.names = valid ? this.remember(names) : names;
    return values;
  }

  private isMetric({ text, isMetric }: Name): boolean {
    if (!isMetric)
      this.note('bad-metric', `The metric name ${JSON.stringify(text)} does not match ${METRIC_NAME}.`);
    return isMetric;
  }

  private remember(names: readonly string[]): readonly string[] {
    this.lastNamed = names;
    return names;
  }
}
