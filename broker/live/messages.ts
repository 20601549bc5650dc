/** Reads a client's messages and writes the small ones of the broker (schemas/live.ts). Pure. */
import { Compile } from 'typebox/compile';
import type { Stats } from '../../schemas/api.ts';
import {
  type ClientMessage,
  ClientMessageSchema,
  LIVE_ERRORS,
  type LiveErrorCode,
} from '../../schemas/live.ts';

const client = Compile(ClientMessageSchema);

/** null if it is not JSON or breaks the schema. */
export function readClientMessage(text: string): ClientMessage | null {
  const parsed = parseJson(text);
  return client.Check(parsed) ? parsed : null;
}

export function errorMessage(rev: number, code: LiveErrorCode, id?: number): Buffer {
  return Buffer.from(JSON.stringify({ type: 'error', rev, code, message: LIVE_ERRORS[code], id }));
}

export function statsMessage(rev: number, stats: Stats): Buffer {
  return Buffer.from(JSON.stringify({ type: 'stats', rev, stats }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON; the schema refuses undefined.
    return undefined;
  }
}
