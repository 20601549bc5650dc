/**
 * Encodes frames, for both ends. Each function returns fresh bytes; they are inside the profile (P-2.2) if the values are,
 * which callers check.
 */
import type { ErrorCode } from '../../schemas/errors.ts';
import { LEAST_MAX_FRAME } from '../../schemas/frames.ts';
import { encode } from './cbor.ts';
import { FRAME, type Value, type ValueMap, type WelcomeLimits } from './frames.ts';
import { shortened } from './names.ts';

export interface HelloFields {
  readonly boot?: number | Uint8Array;
  readonly fields?: readonly string[];
  readonly model?: string;
  readonly firmware?: string;
  readonly ackWithin?: number;
  readonly maxFrame?: number;
  readonly meta?: ValueMap;
}

/** By name, or in the order of hello's fields (P-2.4). */
export type SampleValues = ValueMap | readonly Value[];

export function encodeHello(options: HelloFields): Uint8Array {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return encode([FRAME.hello, given]);
}

export function encodeTelemetry(seq: number | null, time: number | null, values: SampleValues): Uint8Array {
  return encode([FRAME.telemetry, seq, time, values]);
}

export function encodeBatch(
  seq: number | null,
  time: number | null,
  samples: readonly (readonly [dt: number, values: SampleValues])[],
): Uint8Array {
  return encode([FRAME.batch, seq, time, samples]);
}

export function encodeEvent(
  seq: number | null,
  time: number | null,
  severity: number,
  name: string,
  data?: Value,
): Uint8Array {
  const frame = [FRAME.event, seq, time, severity, name];
  return encode(data === undefined ? frame : [...frame, data]);
}

export function encodeResult(id: string, status: number, data?: Value): Uint8Array {
  return encode(data === undefined ? [FRAME.result, id, status] : [FRAME.result, id, status, data]);
}

export function encodeReported(version: number, values: ValueMap): Uint8Array {
  return encode([FRAME.reported, version, values]);
}

export interface Welcome {
  readonly session: string;
  readonly time: number;
  readonly keepalive: number;
  readonly limits: WelcomeLimits;
}

export function encodeWelcome({ session, time, keepalive, limits }: Welcome): Uint8Array {
  return encode([FRAME.welcome, { session, time, keepalive, limits }]);
}

/** By hand: the one frame that the broker sends all the time. */
export function encodeAck(seq: number): Uint8Array {
  if (seq < 24) return Uint8Array.of(0x82, FRAME.ack, seq);
  if (seq < 0x100) return Uint8Array.of(0x82, FRAME.ack, 0x18, seq);
  if (seq < 0x10000) return Uint8Array.of(0x82, FRAME.ack, 0x19, seq >> 8, seq);
  const bytes = new Uint8Array(seq < 0x100000000 ? 7 : 11);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x82;
  bytes[1] = FRAME.ack;
  bytes[2] = seq < 0x100000000 ? 0x1a : 0x1b;
  if (seq < 0x100000000) view.setUint32(3, seq);
  else view.setBigUint64(3, BigInt(seq));
  return bytes;
}

export function encodeCommand(id: string, name: string, args: Value, ttl: number): Uint8Array {
  return encode([FRAME.command, id, name, args, ttl]);
}

export function encodeDesired(version: number, values: ValueMap): Uint8Array {
  return encode([FRAME.desired, version, values]);
}

/** Fits into the least that a device must be able to receive (P-3.2): a longer message is cut at a whole character. */
export function encodeError(
  code: ErrorCode,
  message: string,
  seq: number | null = null,
  commandId: string | null = null,
): Uint8Array {
  const about = commandId !== null ? [seq, commandId] : seq !== null ? [seq] : [];
  const whole = encode([FRAME.error, code, message, ...about]);
  const excess = whole.length - LEAST_MAX_FRAME;
  if (excess <= 0) return whole;
  return encode([FRAME.error, code, shortened(message, Buffer.byteLength(message) - excess), ...about]);
}
