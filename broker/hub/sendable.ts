/** Whether something that people ask for can be sent to a device: names (P-1.4), size and the profile (P-2.2). Pure. */
import { FORBIDDEN_NAMES, METRIC_NAME } from '../../schemas/frames.ts';
import type { ProblemCode } from '../../schemas/problems.ts';
import { FrameError } from '../wire/frame-error.ts';
import { decodeItem } from '../wire/reader.ts';
import { HubRefusal } from './refusal.ts';

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

/** `what`: `The arguments take`. Throws HubRefusal that names sizes and setting. */
export function checkSize(bytes: number, what: string, limit: SizeLimit): void {
  if (bytes <= limit.bytes) return;
  const detail = `${what} ${bytes} bytes as CBOR; at most ${limit.bytes} are allowed (${limit.setting}).`;
  throw new HubRefusal(limit.code, detail, limit.setting);
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
