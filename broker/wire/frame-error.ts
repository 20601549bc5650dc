/**
 * The error that reading a frame throws: a code of the table, and what the frame was about where that could be read.
 */
import { type CloseCode, ERROR_CODES, type ErrorCode } from '../../schemas/errors.ts';

export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code: ErrorCode;
  /** The sequence number of the offending frame, if it was read before the error. */
  readonly seq: number | null;
  /** The command that the offending frame is about, likewise. */
  readonly commandId: string | null;

  /** `detail` replaces the table's sentence where more can be said (which metric, which byte). */
  constructor(code: ErrorCode, detail?: string, seq: number | null = null, commandId: string | null = null) {
    super(detail ?? ERROR_CODES[code].message);
    this.code = code;
    this.seq = seq;
    this.commandId = commandId;
  }

  /** The close code that follows (outside the profile, P-2.3), or null: the frame is ignored. */
  get closes(): CloseCode | null {
    return ERROR_CODES[this.code].closes;
  }
}
