/** The device's frames that are rare: decoded as plain values, checked by schema, then given their names. */
import type { ErrorCode } from '../../schemas/errors.ts';
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

/** `parts` is the whole frame, its number first. Throws FrameError for what breaks the schema (P-2.3). */
export function parseRareFrame(parts: Parts): DeviceFrame {
  switch (parts[0]) {
    case FRAME.hello:
      return hello(checked(parts, 'hello', 'bad-hello'));
    case FRAME.event:
      return event(checked(parts, 'event', 'bad-event'));
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
  const seq = name === 'event' && isSeq(parts[1]) ? parts[1] : null;
  throw new FrameError(code, `The frame breaks its schema: ${fault}.`, seq);
}

/** P-4.1, `null` aside. */
export function isSeq(value: Value | undefined): value is number {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value);
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
    meta: options.meta ?? null,
  };
}

function bootName(boot: number | Uint8Array): Boot {
  return typeof boot === 'number'
    ? `u${boot}`
    : `b${Array.from(boot, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function event(parts: Parts): EventFrame {
  return {
    kind: FRAME.event,
    seq: parts[1] as number | null,
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
