import { describe, expect, it } from 'vitest';
import { MetricTable } from '../../broker/hub/fleet/metrics.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { fc } from '../helpers/fast-check.ts';

interface Reading {
  readonly at: number;
  readonly values: Readonly<Record<string, Value>>;
}

function merged(readings: readonly Reading[]): Record<string, [Value, number]> {
  const table = new MetricTable();
  readings.forEach(({ at, values }, index) => {
    const names = Object.keys(values);
    const columns = table.columnsFor(names, 100) ?? [];
    table.merge(columns, { names, values: Object.values(values) }, at, 5000 + index, index + 1);
  });
  return Object.fromEntries(
    [...table.changedSince(0)].map((metric) => [metric.name, [metric.value, metric.at]]),
  );
}

const name = fc.constantFrom('temp', 'rpm', 'level', 'mode');
const value = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.string());
const reading = fc.record({ at: fc.integer({ min: 0, max: 50 }), values: fc.dictionary(name, value) });

describe('last-known state', () => {
  it('P-4.6: holds for every metric the newest value by measurement time, in whatever order samples arrive', () => {
    fc.assert(
      fc.property(fc.array(reading), (readings) => {
        const expected: Record<string, [Value, number]> = {};
        for (const { at, values } of readings) {
          for (const [metric, read] of Object.entries(values)) {
            if (read !== null && at >= (expected[metric]?.[1] ?? -1)) expected[metric] = [read, at];
          }
        }
        expect(merged(readings)).toEqual(expected);
      }),
    );
  });

  it('P-4.6: a late sample never overwrites a newer one', () => {
    const late = [
      { at: 2000, values: { temp: 21 } },
      { at: 1000, values: { temp: 3, rpm: 900 } },
    ];
    expect(merged(late)).toEqual({ temp: [21, 2000], rpm: [900, 1000] });
  });

  it('P-2.4: null means "not read this time" and leaves the last-known value', () => {
    expect(
      merged([
        { at: 1, values: { temp: 21 } },
        { at: 2, values: { temp: null } },
      ]),
    ).toEqual({ temp: [21, 1] });
  });

  it('P-2.4: a shorter array leaves the rest as it was', () => {
    const table = new MetricTable();
    const names = ['a', 'b'];
    const columns = table.columnsFor(names, 10) ?? [];
    table.merge(columns, { names, values: [1, 2] }, 1, 1, 1);
    table.merge(columns, { names, values: [3] }, 2, 2, 2);
    expect([...table.changedSince(0)].map((metric) => metric.value)).toEqual([3, 2]);
    expect([...table.changedSince(1)].map((metric) => metric.name)).toEqual(['a']);
  });

  it('shows no metric before its first value is committed', () => {
    const table = new MetricTable();
    table.columnsFor(['temp'], 10);
    expect([...table.changedSince(0)]).toEqual([]);
  });

  it('refuses a layout that would pass the limit, and keeps taking the known ones', () => {
    const table = new MetricTable();
    expect(table.columnsFor(['a', 'b'], 2)).toEqual([0, 1]);
    expect(table.columnsFor(['a', 'c'], 2)).toBeNull();
    expect(table.columnsFor(['b', 'a'], 2)).toEqual([1, 0]);
  });
});
