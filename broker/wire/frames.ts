/**
 * The frames of `signalbox.v1` as the code holds them (P-2.3). A device's bytes become frames in `reader.ts`, the broker's
 * in `broker-frames.ts`; frames become bytes in `encode.ts`.
 */

/** The strict profile's numbers (P-2.2). */
export const PROFILE = {
  frameBytes: 65536,
  depth: 8,
  items: 4096,
  pairs: 256,
  elements: 1024,
  textBytes: 4096,
  byteStringBytes: 16384,
  keyBytes: 64,
} as const;

/** A value inside the profile (P-2.4). `null` means "not read this time". */
export type Value =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value };

export type ValueMap = { readonly [key: string]: Value };

/** Frame numbers (P-2.3). */
export const FRAME = {
  hello: 0,
  telemetry: 1,
  batch: 2,
  event: 3,
  result: 4,
  reported: 5,
  welcome: 16,
  ack: 17,
  command: 18,
  desired: 19,
  error: 20,
} as const;

/** One run of a device (P-3.2), as a map key: `u<decimal>` for a uint, `b<hex>` for 8 to 16 bytes. */
export type Boot = string;

export interface HelloFrame {
  readonly kind: typeof FRAME.hello;
  readonly boot: Boot | null;
  readonly fields: readonly string[] | null;
  readonly model: string | null;
  readonly firmware: string | null;
  /** Milliseconds, 0 to 10,000; null: the default of 20 (P-4.2). */
  readonly ackWithin: number | null;
  /** Bytes of the largest frame that the device can receive; null: it did not say (P-3.2). */
  readonly maxFrame: number | null;
  readonly meta: ValueMap | null;
}

/**
 * One measurement, named or positional alike: `values[i]` belongs to `names[i]`; `values` may be the shorter (P-2.4).
 * A reader hands out the same `names` array as long as the layout stays, so a receiver may cache by its identity.
 */
export interface Sample {
  readonly names: readonly string[];
  readonly values: readonly Value[];
}

export interface TelemetryFrame extends Sample {
  readonly kind: typeof FRAME.telemetry;
  readonly seq: number | null;
  /** As sent (P-4.4): null, Unix ms, or negative: ms before arrival. */
  readonly time: number | null;
}

export interface BatchSample extends Sample {
  /** Milliseconds after the batch's time. */
  readonly dt: number;
}

export interface BatchFrame {
  readonly kind: typeof FRAME.batch;
  readonly seq: number | null;
  readonly time: number | null;
  readonly samples: readonly BatchSample[];
}

export interface EventFrame {
  readonly kind: typeof FRAME.event;
  readonly seq: number | null;
  readonly time: number | null;
  /** Syslog's 0 to 7 (P-2.5). */
  readonly severity: number;
  readonly name: string;
  readonly data: Value;
}

export interface ResultFrame {
  readonly kind: typeof FRAME.result;
  readonly id: string;
  /** 1 accepted, 2 progress, 3 done, 4 failed, 5 rejected (P-5.3). */
  readonly status: number;
  readonly data: Value;
}

export interface ReportedFrame {
  readonly kind: typeof FRAME.reported;
  readonly version: number;
  readonly values: ValueMap;
}

/** Frames that carry a seq and go through the log. */
export type DataFrame = TelemetryFrame | BatchFrame | EventFrame;
export type DeviceFrame = HelloFrame | DataFrame | ResultFrame | ReportedFrame;

/** Told in welcome (P-3.1); null: no limit. */
export interface WelcomeLimits {
  readonly frameBytes: number;
  readonly framesPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  /** Frames that a device should have unacknowledged at most. */
  readonly window: number;
}

export interface WelcomeFrame {
  readonly kind: typeof FRAME.welcome;
  readonly session: string;
  /** The broker's Unix ms. */
  readonly time: number;
  /** Seconds. */
  readonly keepalive: number;
  readonly limits: WelcomeLimits;
}

export interface AckFrame {
  readonly kind: typeof FRAME.ack;
  readonly seq: number;
}

export interface CommandFrame {
  readonly kind: typeof FRAME.command;
  readonly id: string;
  readonly name: string;
  readonly args: Value;
  /** What is left, ms (P-5.4). */
  readonly ttl: number;
}

export interface DesiredFrame {
  readonly kind: typeof FRAME.desired;
  readonly version: number;
  readonly values: ValueMap;
}

export interface ErrorFrame {
  readonly kind: typeof FRAME.error;
  /** From the table in `schemas/errors.ts`; a device must bear codes that it does not know. */
  readonly code: string;
  readonly message: string;
  /** The numbered frame that it is about. */
  readonly seq: number | null;
  /** The command that it is about. */
  readonly commandId: string | null;
}

export type BrokerFrame = WelcomeFrame | AckFrame | CommandFrame | DesiredFrame | ErrorFrame;
