/**
 * Reads `values` (P-2.4) and checks their schema on the way. Owns the layouts at hand: the fields of the session's
 * hello, and the names of the last named sample, which are handed out again as long as a device sends the same ones.
 */
import type { ErrorCode } from '../../schemas/errors.ts';
import { FrameError } from './frame-error.ts';
import type { Value } from './frames.ts';
import { type ItemReader, MAJOR } from './item-reader.ts';

const NONE: readonly string[] = [];

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
    const values: Value[] = [];
    for (let index = 0; index < length; index += 1) values.push(this.items.item(depth + 1));
    this.names = this.fields ?? NONE;
    if (this.fields === null) this.note('no-fields');
    else if (length > this.fields.length) this.note('too-many-values');
    return values;
  }

  private named(depth: number): Value[] {
    const { items, lastNamed } = this;
    const length = items.openMap(depth);
    const values: Value[] = [];
    for (let index = 0; index < length; index += 1) {
      const key = items.key();
      if (key.text !== lastNamed[index]) return this.newLayout(length, key.text, key.isMetric, values, depth);
      values.push(items.item(depth + 1));
    }
    // Equal so far, but shorter: the layout is its beginning.
    this.names = length === lastNamed.length ? lastNamed : this.remember(lastNamed.slice(0, length));
    return values;
  }

  /** Goes on from the pair whose key, just read, differs from the last layout. */
  private newLayout(
    length: number,
    text: string,
    isMetric: boolean,
    values: Value[],
    depth: number,
  ): Value[] {
    const names = this.lastNamed.slice(0, values.length);
    const seen = new Set(names);
    const add = (name: string, valid: boolean): void => {
      if (seen.has(name)) throw new FrameError('key-repeated');
      if (!valid)
        this.note(
          'bad-metric',
          `The metric name ${JSON.stringify(name)} does not match ^[A-Za-z_][A-Za-z0-9_.-]{0,63}$.`,
        );
      seen.add(name);
      names.push(name);
    };
    add(text, isMetric);
    values.push(this.items.item(depth + 1));
    while (names.length < length) {
      const key = this.items.key();
      add(key.text, key.isMetric);
      values.push(this.items.item(depth + 1));
    }
    this.names = this.fault === 'bad-metric' ? names : this.remember(names);
    return values;
  }

  private remember(names: readonly string[]): readonly string[] {
    this.lastNamed = names;
    return names;
  }
}
