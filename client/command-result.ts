/**
 * Names the statuses of a command's results (P-5.3) and makes their frames, which are checked before anything is sent.
 */
import { encodeResult } from '../broker/wire/encode.ts';
import type { Value } from '../broker/wire/frames.ts';
import { FrameReader } from '../broker/wire/reader.ts';

export const RESULT = { accepted: 1, progress: 2, done: 3, failed: 4, rejected: 5 } as const;
export type ResultName = keyof typeof RESULT;
export type FinalResultName = 'done' | 'failed' | 'rejected';

/** Longer reasons are cut; characters. */
const LONGEST_REASON = 1000;

const reader = new FrameReader();

/** Throws FrameError for data that the broker would refuse. */
export function resultFrame(id: string, status: ResultName, data: Value): Uint8Array {
  const bytes = encodeResult(id, RESULT[status], data ?? undefined);
  reader.read(bytes);
  return bytes;
}

/** What a throw, or a refusal in words, becomes. */
export function reasonData(reason: unknown): { readonly reason: string } {
  const text = reason instanceof Error ? reason.message || reason.name : String(reason);
  return { reason: text.slice(0, LONGEST_REASON) };
}

export interface FinalResult {
  readonly status: FinalResultName;
  readonly data: Value;
  readonly frame: Uint8Array;
}

/** Data that no frame can carry makes the command fail: what the device did is not known to anybody otherwise. */
export function finalResult(id: string, status: FinalResultName, data: Value): FinalResult {
  try {
    return { status, data, frame: resultFrame(id, status, data) };
  } catch (error) {
    const why = reasonData(
      `It was ${status}, but what it gave back fits no frame: ${reasonData(error).reason}`,
    );
    return { status: 'failed', data: why, frame: resultFrame(id, 'failed', why) };
  }
}
