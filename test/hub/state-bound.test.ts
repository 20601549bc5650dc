/** What the last-known state of a device may cost (P-2.2): a frame beyond it is refused as a whole, and old values stay. */

import { describe, expect, it } from 'vitest';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import type { StateLimits } from '../../broker/hub/fleet/metrics.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { applyFrame, NO_LIMITS, reserveState } from '../../broker/hub/telemetry/apply.ts';
import { positionOf } from '../../broker/store/position.ts';
import { costOf, costOfKey } from '../../broker/wire/cost.ts';
import { type DataFrame, FRAME, type Value } from '../../broker/wire/frames.ts';
import { fc } from '../helpers/fast-check.ts';

const NOW = 1_780_000_000_000;
const LIMITS: StateLimits = { metricsPerDevice: 20, stateBytes: 1000, valueBytes: 600 };

type Values = Readonly<Record<string, Value>>;

const layouts = new Map<string, readonly string[]>();

/** As from a reader, which hands out the same names as long as the layout stays. */
function namesOf(values: Values): readonly string[] {
  const names = Object.keys(values);
  const layout = layouts.get(names.join()) ?? names;
  layouts.set(names.join(), layout);
  return layout;
}

function telemetry(values: Values, time: number | null = null): DataFrame {
  return { kind: FRAME.telemetry, seq: 1, time, names: namesOf(values), values: Object.values(values) };
}

function batch(...samples: (readonly [dt: number, values: Values])[]): DataFrame {
  const all = samples.map(([dt, values]) => ({
    dt,
    names: Object.keys(values),
    values: Object.values(values),
  }));
  return { kind: FRAME.batch, seq: 1, time: NOW, samples: all };
}

/** A device whose frames are accepted at once and applied when `commit` is called, in that order. */
function device(limits: StateLimits = LIMITS) {
  const fleet = new Fleet(new Revisions(NOW));
  const pump = fleet.obtain('acme', 'pump');
  const progress = { accepted: 0, durable: 0 };
  const waiting: (() => void)[] = [];
  return {
    metrics: pump.metrics,
    accept(frame: DataFrame): string {
      const columns = reserveState(pump, frame, NOW, limits);
      if (typeof columns === 'string') return columns;
      const source = {
        device: pump,
        session: 's',
        boot: null,
        progress,
        durable: () => {},
        introduced: () => {},
      };
      waiting.push(() =>
        applyFrame(fleet, { kind: 'data', source, frame, columns, arrival: NOW, clock: null }, positionOf(1)),
      );
      return 'accepted';
    },
    commit(): void {
      for (const apply of waiting.splice(0)) apply();
    },
    values(): Values {
      return Object.fromEntries([...pump.metrics.changedSince(0)].map(({ name, value }) => [name, value]));
    },
    /** What the committed state costs, added up anew. */
    cost(): number {
      const { metrics } = pump;
      let cost = 0;
      for (let column = 0; column < metrics.size; column += 1) {
        const value = metrics.value(column);
        cost += costOfKey(metrics.entry(column)[0]) + (value === null ? 0 : costOf(value));
      }
      return cost;
    },
  };
}

const bytes = (length: number) => new Uint8Array(length);

describe('the bound on what a state costs', () => {
  it('refuses the frame that would pass it, keeps the old values, and goes on with the next', () => {
    const pump = device();
    expect(pump.accept(telemetry({ a: bytes(200), b: 1 }))).toBe('accepted');
    expect(pump.accept(telemetry({ b: 2, c: bytes(390) }))).toBe('state-too-big');
    expect(pump.accept(telemetry({ b: 3 }))).toBe('accepted');
    pump.commit();
    expect(pump.values()).toEqual({ a: bytes(200), b: 3 });
  });

  it('counts what is accepted and not committed yet', () => {
    const pump = device();
    expect(pump.accept(telemetry({ a: bytes(250) }))).toBe('accepted');
    expect(pump.accept(telemetry({ b: bytes(250) }))).toBe('state-too-big');
    pump.commit();
    expect(pump.accept(telemetry({ b: bytes(250) }))).toBe('state-too-big');
    expect(pump.accept(telemetry({ b: bytes(150) }))).toBe('accepted');
  });

  it('frees what a value cost when another takes its place, and charges nothing for null and for an older sample', () => {
    const pump = device();
    expect(pump.accept(telemetry({ a: bytes(390) }, NOW))).toBe('accepted');
    expect(pump.accept(telemetry({ b: bytes(250) }))).toBe('state-too-big');
    expect(pump.accept(telemetry({ a: null }))).toBe('accepted');
    expect(pump.accept(telemetry({ a: bytes(300) }, NOW - 5000))).toBe('accepted');
    expect(pump.accept(telemetry({ b: bytes(250) }))).toBe('state-too-big');
    expect(pump.accept(telemetry({ a: 1 }, NOW))).toBe('accepted');
    expect(pump.accept(telemetry({ b: bytes(250) }))).toBe('accepted');
  });

  it('takes a batch whole or not at all, and goes by what it adds up to', () => {
    const pump = device();
    const settles = batch([0, { a: bytes(390) }], [1, { a: 1 }], [2, { b: bytes(390) }]);
    expect(pump.accept(settles)).toBe('accepted');
    expect(pump.accept(batch([3, { x: 1, y: 2 }], [4, { z: bytes(390) }]))).toBe('state-too-big');
    pump.commit();
    expect(pump.values()).toEqual({ a: 1, b: bytes(390) });
    expect(pump.metrics.size).toBe(2);
  });

  it('refuses a value of its own that costs too much, however small it is on the wire', () => {
    const pump = device();
    expect(pump.accept(telemetry({ a: [bytes(0), bytes(0), bytes(0)] }))).toBe('value-too-big');
    expect(pump.accept(telemetry({ a: [bytes(0)] }))).toBe('accepted');
  });

  it('leaves no names of a frame that was refused', () => {
    const pump = device({ ...LIMITS, metricsPerDevice: 2 });
    expect(pump.accept(batch([0, { a: 1, b: 2 }], [1, { c: 3 }]))).toBe('too-many-metrics');
    expect(pump.accept(telemetry({ c: 3, d: 4 }))).toBe('accepted');
    pump.commit();
    expect(pump.values()).toEqual({ c: 3, d: 4 });
  });

  it('takes what changes nothing in size where the state costs more than the limit already, as after an upgrade', () => {
    const fleet = new Fleet(new Revisions(NOW));
    const pump = fleet.obtain('acme', 'pump');
    const old = telemetry({ a: bytes(5000), b: 1 });
    const columns = reserveState(pump, old, NOW, NO_LIMITS);
    expect(columns).toEqual([0, 1]);
    const limits = { ...LIMITS, valueBytes: 10_000 };
    expect(reserveState(pump, telemetry({ b: 2 }), NOW, limits)).toEqual([1]);
    expect(reserveState(pump, telemetry({ a: bytes(4000) }), NOW, limits)).toEqual([0]);
    expect(reserveState(pump, telemetry({ a: bytes(4001) }), NOW, limits)).toBe('state-too-big');
  });

  it('goes on from a late number as from one in time: the newest counts', () => {
    const pump = device();
    for (const time of [NOW - 9, NOW - 5, NOW - 7])
      expect(pump.accept(telemetry({ a: 1 }, time))).toBe('accepted');
    expect(pump.accept(telemetry({ a: bytes(390) }, NOW - 6))).toBe('accepted');
    expect(pump.metrics.stateCost).toBeLessThan(200);
    expect(pump.accept(telemetry({ a: bytes(390) }, NOW - 5))).toBe('accepted');
    expect(pump.metrics.stateCost).toBeGreaterThan(500);
  });

  it('knows at every moment what the state will cost when all is committed', () => {
    const value = fc.oneof(
      { weight: 5, arbitrary: fc.integer() },
      fc.constant(null),
      fc.nat(300).map((length) => new Uint8Array(length)),
      fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }),
    );
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), value, {
      noNullPrototype: true,
    });
    const frame = fc.oneof(
      fc.tuple(values, fc.nat(50)).map(([sample, age]) => telemetry(sample, NOW - age)),
      fc.array(fc.tuple(fc.nat(50), values), { maxLength: 4 }).map((samples) => batch(...samples)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(frame, fc.boolean()), { maxLength: 25 }), (frames) => {
        const pump = device();
        for (const [sent, commits] of frames) {
          pump.accept(sent);
          if (commits) pump.commit();
        }
        expect(pump.metrics.stateCost).toBeLessThanOrEqual(LIMITS.stateBytes);
        pump.commit();
        expect(pump.metrics.stateCost).toBe(pump.cost());
      }),
    );
  });
});
