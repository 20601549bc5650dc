/**
 * What a run is made of, as data: who is there, how long it lasts, and the weather, a list of blows with their times. A seed makes one; a
 * failing one is shrunk by leaving out parts of it. The kinds of blows come from outside (blows.ts).
 */
import { SeededRandom } from './random.ts';

/** Parameters of a blow, by name: what its kind's `make` gave. */
export type BlowParameters = Readonly<Record<string, number | string | readonly number[]>>;

/** `at`: virtual ms. */
export type Blow = BlowParameters & { readonly at: number; readonly kind: string };

export interface Plan {
  readonly seed: string;
  readonly hours: number;
  readonly customers: number;
  readonly devices: number;
  /** `narrow`: small segments, and few of them are kept. */
  readonly store: 'wide' | 'narrow';
  readonly weather: readonly Blow[];
}

/** Makes the parameters of one kind. `devices`: how many there are. */
export interface BlowMaker {
  readonly kind: string;
  /** How often it falls, beside the others. */
  readonly weight: number;
  make(random: SeededRandom, devices: number): BlowParameters;
}

const HOUR = 3_600_000;
const BLOWS_AN_HOUR = [10, 40, 120] as const;

export function planOf(seed: string, hours: number, makers: readonly BlowMaker[], devices = 20): Plan {
  const random = new SeededRandom(`${seed}/plan`);
  // Not every kind in every run: what always comes together hides what comes alone.
  const chosen = makers.filter(() => random.chance(0.6));
  const blows = chosen.length === 0 ? 0 : Math.round(hours * random.pick(BLOWS_AN_HOUR));
  const weather = Array.from({ length: blows }, (): Blow => {
    const at = Math.floor(random.between(1000, hours * HOUR));
    const { kind, make } = pickByWeight(random, chosen);
    return { at, kind, ...make(random, devices) };
  });
  weather.sort((one, other) => one.at - other.at);
  const store = random.chance(0.4) ? 'narrow' : 'wide';
  return { seed, hours, customers: 2, devices, store, weather };
}

function pickByWeight(random: SeededRandom, makers: readonly BlowMaker[]): BlowMaker {
  let at = random.next() * makers.reduce((sum, { weight }) => sum + weight, 0);
  for (const maker of makers) {
    at -= maker.weight;
    if (at < 0) return maker;
  }
  return makers.at(-1) as BlowMaker;
}
