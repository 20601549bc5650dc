/** Faults that the box has found, each as the shortest weather in which it showed; and that a seed gives one run. */
import './globals.ts';
import { expect, it } from 'vitest';
import { KINDS } from './blows.ts';
import { type Outcome, runPlan } from './box.ts';
import { type Blow, planOf } from './plan.ts';

function weather(seed: string, hours: number, ...blows: readonly Blow[]): Promise<Outcome> {
  return runPlan({ ...planOf(seed, hours, []), store: 'wide', weather: blows });
}

it('gives the same run for the same seed, to the byte of its trace', async () => {
  const plan = planOf('again', 0.2, KINDS);
  const [one, other] = [await runPlan(plan), await runPlan(plan)];
  expect(one.faults).toEqual([]);
  expect(other.digest).toBe(one.digest);
});

it('puts the end of a connection into the log also when everybody was told before, and a kill came between', async () => {
  const { faults } = await weather(
    'full',
    0.25,
    { at: 600_000, kind: 'disk-full', room: 50, for: 60_000 },
    { at: 610_000, kind: 'cut', share: 1 },
    { at: 625_000, kind: 'kill', back: 500 },
  );
  expect(faults).toEqual([]);
});

it('never has an old segment back without the newer ones after it: what was removed is removed in order, also without power', async () => {
  const blows = Array.from({ length: 40 }, (_, index): Blow => {
    return { at: 4_000_000 + index * 60_000, kind: 'power', back: 50 };
  });
  const { faults } = await weather('removed', 1.8, ...blows);
  expect(faults).toEqual([]);
});

it('leaves its goodbye to its will when the MQTT server does not hear that the broker stops', async () => {
  const { faults } = await weather(
    'goodbye',
    0.1,
    { at: 100_000, kind: 'mqtt-acks', how: 'none', for: 60_000 },
    { at: 101_000, kind: 'stop', back: 2000 },
  );
  expect(faults).toEqual([]);
});

it('leaves nothing in Home Assistant of a device that was forgotten just before a kill, with the MQTT server away', async () => {
  const { faults } = await weather('announced-2', 0.05, {
    ...{ at: 60_000, kind: 'device-goes' },
    ...{ device: 0, away: 5000, effects: 20 },
  });
  expect(faults).toEqual([]);
});
