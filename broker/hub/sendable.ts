/**
 * Checks whether something that people ask for can be sent to a device: names (P-1.4), size and the profile (P-2.2).
 * Checks whether one device can receive it: by what it said in its last hello (P-3.2, `maxFrame`), and by whether it reads
 * what was sent before. Pure.
 */
import { FORBIDDEN_NAMES, METRIC_NAME } from '../../schemas/frames.ts';
import type { ProblemCode } from '../../schemas/problems.ts';
import { costOf } from '../wire/cost.ts';
import { FrameError } from '../wire/frame-error.ts';
import type { Value } from '../wire/frames.ts';
import { decodeItem } from '../wire/reader.ts';
import type { Device, Member } from './fleet/device.ts';
import { HubRefusal } from './refusal.ts';

/** Above this nothing more is written until the device has read some of it. */
export const UNREAD_BYTES = 65_536;

/** Whether the device takes what is written to it; what it does not take waits in the broker's memory. */
export function reads({ bufferedBytes }: Pick<Member, 'bufferedBytes'>): boolean {
  return bufferedBytes < UNREAD_BYTES;
}

/** Why the device cannot receive the frame, in a sentence; `what`: `The command`. null: it can, as far as is known. */
export function tooBigFor(device: Device, frame: Uint8Array, what: string): string | null {
  const { maxFrame } = device;
  if (maxFrame === null || frame.length <= maxFrame) return null;
  return `${what} takes a frame of ${frame.length} bytes, and the device can receive ${maxFrame} at most (maxFrame of its hello).`;
}

/** Throws HubRefusal with that sentence. */
export function checkReceivable(device: Device, frame: Uint8Array, what: string): void {
  const reason = tooBigFor(device, frame, what);
  if (reason !== null) throw new HubRefusal('too-large-for-device', reason);
}

const NAME = new RegExp(METRIC_NAME);
const FORBIDDEN: ReadonlySet<string> = new Set(FORBIDDEN_NAMES);

/** Of a metric, a command or an event. */
export function isName(name: string): boolean {
  return NAME.test(name) && !FORBIDDEN.has(name);
}

export interface SizeLimit {
  readonly bytes: number;
  /** `commands.argsBytes` */
  readonly setting: string;
  readonly code: ProblemCode;
}

/**
 * What is kept may cost so many times its allowed bytes in memory (P-2.2): enough for as many small settings as a frame
 * holds, and not for thousands of empty items.
 */
const COST_FACTOR = 8;
const LEAST_COST = 4096;

/** `what`: `The arguments take`. Throws HubRefusal that names sizes and setting. */
export function checkSize(bytes: number, value: Value, what: string, limit: SizeLimit): void {
  const { setting, code } = limit;
  if (bytes > limit.bytes) {
    const detail = `${what} ${bytes} bytes as CBOR; at most ${limit.bytes} are allowed (${setting}).`;
    throw new HubRefusal(code, detail, setting);
  }
  const cost = costOf(value);
  const most = Math.max(LEAST_COST, limit.bytes * COST_FACTOR);
  if (cost <= most) return;
  const detail = `${what} ${cost} bytes in memory (P-2.2), for each item costs more than its bytes; at most ${most} are allowed (${setting}).`;
  throw new HubRefusal(code, detail, setting);
}

/** `item`: an array, as a frame is one; `what`: `The arguments`. Throws HubRefusal with what a device could not read. */
export function checkProfile(item: Uint8Array, what: string): void {
  try {
    decodeItem(item);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new HubRefusal('bad-request', `${what} cannot be sent to a device: ${error.message}`);
  }
}
