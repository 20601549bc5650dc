/**
 * Declares what the live channel needs of a viewer's connection, and what it offers to it; `edge` has the sockets. Also
 * measures how long what was written to a viewer has waited unread.
 */
import type { CloseCode } from '../../schemas/errors.ts';

export interface ViewerTransport {
  /** One text message; a buffer holds UTF-8 and is shared with other viewers: do not change it. */
  send(text: string | Buffer): void;
  /** Bytes that wait to be written. */
  readonly bufferedBytes: number;
  /** Ends the connection; what waits need not be written. */
  close(code: number, reason: string): void;
}

export interface ViewerConnection {
  /** One text message of the client. */
  receive(text: string): void;
  /** Nothing more is told; the transport is closed with this code. */
  end(code: CloseCode, reason: string): void;
  /** The connection is gone. Idempotent. */
  closed(): void;
}

/**
 * Tells since when the oldest byte that still waits has waited: two counts of bytes and one mark, however much is
 * written.
 */
export class StallDetector {
  private written = 0;
  /** `at`: monotonic ms. */
  private mark: { readonly written: number; readonly at: number } | null = null;

  wrote(bytes: number): void {
    this.written += bytes;
  }

  /** For `late` ms nobody could read or be seen to. */
  excuse(late: number): void {
    if (this.mark) this.mark = { ...this.mark, at: this.mark.at + late };
  }

  /** How long bytes have been waiting, ms; 0 if none wait. Called regularly, with what waits at `now`, monotonic ms. */
  waiting(bufferedBytes: number, now: number): number {
    const gone = this.written - bufferedBytes;
    if (bufferedBytes === 0) this.mark = null;
    else if (this.mark === null || gone >= this.mark.written) this.mark = { written: this.written, at: now };
    return this.mark === null ? 0 : now - this.mark.at;
  }
}
