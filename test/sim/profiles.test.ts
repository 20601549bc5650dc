/** Simulated devices say the same for the same seed, something else for another, and never what a broker would refuse. */
import { describe, expect, it } from 'vitest';
import { encodeBatch, encodeEvent, encodeTelemetry } from '../../broker/wire/encode.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { PROFILE_NAMES, PROFILES, type ProfileName } from '../../device-sim/profiles/index.ts';
import type { Emission } from '../../device-sim/profiles/profile.ts';
import { seeded, seedFor } from '../../device-sim/random.ts';

function life(name: ProfileName, seed: number, steps: number, seconds: number): Emission[] {
  const machine = PROFILES[name].device(seeded(seed));
  return Array.from({ length: steps }, () => machine.measure(seconds)).flat();
}

function encoded(emission: Emission): Uint8Array {
  if (emission.kind === 'telemetry') return encodeTelemetry(1, null, emission.values);
  if (emission.kind === 'batch') return encodeBatch(1, null, emission.samples);
  return encodeEvent(1, null, emission.severity, emission.name, emission.data);
}

/** Every value of one metric, in order. */
function column(name: ProfileName, metric: string, emissions: readonly Emission[]): Value[] {
  const index = PROFILES[name].fields?.indexOf(metric as never) ?? -1;
  return emissions.flatMap((emission) => {
    if (emission.kind !== 'telemetry') return [];
    const { values } = emission;
    return [(values as Readonly<Record<string | number, Value>>)[index < 0 ? metric : index] ?? null];
  });
}

describe.each(PROFILE_NAMES)('a %s', (name) => {
  it('repeats itself with the same seed, and only with the same', () => {
    expect(life(name, 7, 50, 1)).toEqual(life(name, 7, 50, 1));
    expect(life(name, 7, 50, 1)).not.toEqual(life(name, 8, 50, 1));
  });

  it.each([0.1, 1, 60])('stays within the protocol for days, measuring every %d s', (seconds) => {
    const reader = new FrameReader();
    reader.fields = PROFILES[name].fields;
    for (const emission of life(name, 3, 3000, seconds)) {
      expect(() => reader.read(encoded(emission))).not.toThrow();
    }
  });

  it('has something to tell now and then', () => {
    const events = life(name, 5, 2000, 60).filter(({ kind }) => kind === 'event');
    expect(events.length).toBeGreaterThan(0);
    expect(events.length).toBeLessThan(2000);
  });
});

it('a pump stays in the range of pumps, and its temperature does not jump', () => {
  const temperatures = column('pump', 'temp', life('pump', 11, 20_000, 1)) as number[];
  expect(Math.min(...temperatures)).toBeGreaterThan(10);
  expect(Math.max(...temperatures)).toBeLessThan(100);
  const jumps = temperatures.slice(1).map((value, index) => Math.abs(value - (temperatures[index] ?? value)));
  expect(Math.max(...jumps)).toBeLessThan(3);
});

it('a tracker stays near its city, and does not know where it is without a fix (P-2.4)', () => {
  const emissions = life('tracker', 2, 5000, 10);
  const latitudes = column('tracker', 'lat', emissions);
  const fixes = latitudes.filter((value): value is number => typeof value === 'number');
  expect(Math.max(...fixes) - Math.min(...fixes)).toBeLessThan(2);
  expect(latitudes).toContain(null);
  expect(column('tracker', 'satellites', emissions).filter((value) => value === 0)).toHaveLength(
    latitudes.length - fixes.length,
  );
});

it('the random numbers are the known ones of mulberry32, evenly spread', () => {
  const random = seeded(1);
  expect([random(), random(), random()].map((value) => value.toFixed(6))).toEqual([
    '0.627074',
    '0.002736',
    '0.527447',
  ]);
  const buckets = new Array(10).fill(0);
  for (let count = 0; count < 10_000; count += 1) buckets[Math.floor(random() * 10)] += 1;
  expect(Math.min(...buckets)).toBeGreaterThan(900);
  expect(Math.max(...buckets)).toBeLessThan(1100);
  expect(seedFor(1, 'acme/pump-1')).not.toBe(seedFor(1, 'acme/pump-2'));
  expect(seedFor(1, 'acme/pump-1')).not.toBe(seedFor(2, 'acme/pump-1'));
});
