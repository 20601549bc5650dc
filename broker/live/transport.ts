/** What the live channel needs of a viewer's connection, and what it offers to it; `edge` has the sockets. */

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
