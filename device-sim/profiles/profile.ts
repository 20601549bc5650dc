/** What a kind of simulated device is: a pure generator of what its sensors and its controller would say. */
import type { Random } from '../../broker/base/clock.ts';
import type { Value, ValueMap } from '../../broker/wire/frames.ts';
import type { BatchSamples } from '../../client/index.ts';

export type Emission =
  | { readonly kind: 'telemetry'; readonly values: ValueMap | readonly Value[] }
  | { readonly kind: 'batch'; readonly samples: BatchSamples }
  | { readonly kind: 'event'; readonly severity: number; readonly name: string; readonly data?: Value };

/** Moves the device on by so many seconds and says what it measured; same randomness, same words. */
export type Generator = (seconds: number) => readonly Emission[];

/** Does what a command asks for and returns what the device says of it. Throws ActionRefused for arguments that cannot be. */
export type Action = (args: Value) => Value;

/** Something that desired values can change (P-6). */
export interface Setting {
  get(): Value;
  /** Takes the nearest that can be; what cannot be at all changes nothing. */
  set(value: Value): void;
}

/** One device of a profile. */
export interface Machine {
  readonly measure: Generator;
  readonly commands: Readonly<Record<string, Action>>;
  readonly settings: Readonly<Record<string, Setting>>;
  /** Its controller starts anew; the world around it stays. */
  reboot(): void;
}

export interface Profile {
  readonly name: string;
  readonly model: string;
  readonly firmware: string;
  /** Metrics of positional values (P-2.4); null: the profile names them in each frame. */
  readonly fields: readonly string[] | null;
  /** A new device. */
  device(random: Random): Machine;
}

/** Whether something that comes `perHour` times an hour on average comes in these seconds. */
export function happens(random: Random, perHour: number, seconds: number): boolean {
  return random() < 1 - Math.exp((-perHour * seconds) / 3600);
}

/** Moves `value` towards `target` with a time constant in seconds. */
export function approach(value: number, target: number, seconds: number, constant: number): number {
  return target + (value - target) * Math.exp(-seconds / constant);
}

/** The device will not do it, and says why. */
export class ActionRefused extends Error {
  override readonly name = 'ActionRefused';
}

/** The number that a command brings: `args` itself, or `name` in it. Throws ActionRefused if it is not from `least` to `most`. */
export function argument(args: Value, name: string, least: number, most: number): number {
  const value = isMap(args) ? args[name] : args;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new ActionRefused(`${name} must be a number from ${least} to ${most}`);
}

/** A number that is kept from `least` to `most`. */
export function numberSetting(
  get: () => number,
  set: (value: number) => void,
  [least, most]: readonly [number, number],
): Setting {
  return {
    get,
    set(value) {
      if (typeof value === 'number') set(Math.min(most, Math.max(least, value)));
    },
  };
}

function isMap(value: Value): value is ValueMap {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}
