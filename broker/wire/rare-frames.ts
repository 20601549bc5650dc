/**
 * Reads the device's frames that are rare (hello, event, result, reported): checks their decoded parts by schema, then
 * names them.
 */
import type { ErrorCode } from '../../schemas/errors.ts';
import { COMMAND_ID_BYTES } from '../../schemas/frames.ts';
import { checkFrame } from './check.ts';
import type { HelloFields } from './encode.ts';
import { FrameError } from './frame-error.ts';
import {
  type Boot,
  type DeviceFrame,
  type EventFrame,
  FRAME,
  type HelloFrame,
  type ReportedFrame,
  type ResultFrame,
  type Value,
  type ValueMap,
} from './frames.ts';

type Parts = readonly Value[];

/**
 * `parts` is the whole frame, its number first; `leastSeq` as of `FrameReader`. Throws FrameError for what breaks the
 * schema (P-2.3).
 */
export function parseRareFrame(parts: Parts, leastSeq: number): DeviceFrame {
  switch (parts[0]) {
    case FRAME.hello:
      return hello(checked(parts, 'hello', 'bad-hello'));
    case FRAME.event:
      return event(parts, leastSeq);
    case FRAME.result:
      return result(checked(parts, 'result', 'bad-result'));
    case FRAME.reported:
      return reported(checked(parts, 'reported', 'bad-reported'));
    default:
      throw new FrameError('unknown-frame');
  }
}

function checked(parts: Parts, name: 'hello' | 'event' | 'result' | 'reported', code: ErrorCode): Parts {
  const fault = checkFrame(name, parts);
  if (fault === null) return parts;
  const seq = name === 'event' && isSeq(parts[1], 0) ? parts[1] : null;
  const id = name === 'result' && isCommandId(parts[1]) ? parts[1] : null;
  throw new FrameError(code, `The frame breaks its schema: ${fault}.`, seq, id);
}

/** P-4.1, `null` aside. */
export function isSeq(value: Value | undefined, least: number): value is number {
  return typeof value === 'number' && value >= least && Number.isSafeInteger(value);
}

function isCommandId(value: Value | undefined): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= COMMAND_ID_BYTES;
}

function hello(parts: Parts): HelloFrame {
  const options = parts[1] as HelloFields;
  return {
    kind: FRAME.hello,
    boot: options.boot === undefined ? null : bootName(options.boot),
    fields: options.fields ?? null,
    model: options.model ?? null,
    firmware: options.firmware ?? null,
    ackWithin: options.ackWithin ?? null,
    maxFrame: options.maxFrame ?? null,
    meta: options.meta ?? null,
  };
}

function bootName(boot: number | Uint8Array): Boot {
  return typeof boot === 'number'
    ? `u${boot}`
    : `b${Array.from(boot, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function event(parts: Parts, leastSeq: number): EventFrame {
  const [kind, seq, ...rest] = parts;
  if (seq === 0 && leastSeq > 0) throw new FrameError('bad-seq', undefined, 0);
  checked(seq === 0 ? [kind as Value, null, ...rest] : parts, 'event', 'bad-event');
  return {
    kind: FRAME.event,
    seq: seq as number | null,
    time: parts[2] as number | null,
    severity: parts[3] as number,
    name: parts[4] as string,
    data: parts[5] ?? null,
  };
}

function result(parts: Parts): ResultFrame {
  return { kind: FRAME.result, id: parts[1] as string, status: parts[2] as number, data: parts[3] ?? null };
}

function reported(parts: Parts): ReportedFrame {
  return { kind: FRAME.reported, version: parts[1] as number, values: parts[2] as ValueMap };
}
