/**
 * Randomness that repeats: mulberry32 (Tommy Ettinger, public domain), with 32 bits of state, which is enough for the
 * noise of sensors.
 */
import type { Random } from '../broker/base/clock.ts';

/** The same seed gives the same numbers, evenly spread in [0, 1). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** A seed of its own for each name under a common one (FNV-1a), so that devices do not move in step. */
export function seedFor(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}

/** Noise around 0 whose spread is about `deviation` (Irwin-Hall of three, cheaper than a true normal). */
export function noise(random: Random, deviation: number): number {
  return (random() + random() + random() - 1.5) * 2 * deviation;
}

/** A whole number, `least` to `most`. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** As instruments show it. */
export function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
