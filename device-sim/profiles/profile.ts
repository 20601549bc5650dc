/** What a kind of simulated device is: a pure generator of what its sensors and its controller would say. */
import type { Random } from '../../broker/wire/environment.ts';
import type { Value, ValueMap } from '../../broker/wire/frames.ts';
import type { BatchSamples } from '../../client/index.ts';

export type Emission =
  | { readonly kind: 'telemetry'; readonly values: ValueMap | readonly Value[] }
  | { readonly kind: 'batch'; readonly samples: BatchSamples }
  | { readonly kind: 'event'; readonly severity: number; readonly name: string; readonly data?: Value };

/** Moves the device on by so many seconds and says what it measured; same randomness, same words. */
export type Generator = (seconds: number) => readonly Emission[];

export interface Profile {
  readonly name: string;
  readonly model: string;
  readonly firmware: string;
  /** Metrics of positional values (P-2.4); null: the profile names them in each frame. */
  readonly fields: readonly string[] | null;
  /** A new device. */
  device(random: Random): Generator;
}

/** Whether something that comes `perHour` times an hour on average comes in these seconds. */
export function happens(random: Random, perHour: number, seconds: number): boolean {
  return random() < 1 - Math.exp((-perHour * seconds) / 3600);
}

/** Moves `value` towards `target` with a time constant in seconds. */
export function approach(value: number, target: number, seconds: number, constant: number): number {
  return target + (value - target) * Math.exp(-seconds / constant);
}
