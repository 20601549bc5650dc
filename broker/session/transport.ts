/** What a session needs of its connection; `edge` implements it with ws, tests with arrays. */
import type { Inlet } from './intake.ts';

export interface Transport extends Inlet {
  /** One binary message. */
  send(bytes: Uint8Array): void;
  /** The same; calls back when its bytes have left the process, never if they did not. */
  write(bytes: Uint8Array, written: () => void): void;
  ping(): void;
  /** Closes with a code of the table; ends the socket by force if the peer does not answer in time. */
  close(code: number, reason: string): void;
  /** Bytes that wait to be written. */
  readonly bufferedBytes: number;
}
