/**
 * One line of the log for each device that connects and each whose connection ends. When thousands come back at once the log
 * says how many were not told one by one. Owns the count of lines and the timer of the period that they count in.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

/** Lines in a period, and its length; ms. */
const MOST_LINES = 50;
const PERIOD = 10_000;

export interface ConnectionLogParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What every line names. */
export interface LoggedConnection {
  /** `customer/device`. */
  readonly device: string;
  readonly session: string;
}

export class ConnectionLog {
  private readonly parts: ConnectionLogParts;
  private lines = 0;
  private connected = 0;
  private ended = 0;
  private timer: Timer | null = null;

  constructor(parts: ConnectionLogParts) {
    this.parts = parts;
  }

  /** `replaced`: the session that was taken over (P-1.6); null: none. */
  tellConnected(connection: LoggedConnection & { readonly keyId: string }, replaced: string | null): void {
    if (!this.hasRoom()) this.connected += 1;
    else if (replaced === null) this.parts.logger.info(connection, 'A device has connected.');
    else this.parts.logger.info({ ...connection, replaced }, 'A newer connection took over.');
  }

  /** `reason`: the close code's name, or how the socket ended. */
  tellEnded(connection: LoggedConnection & { readonly reason: string; readonly seconds: number }): void {
    if (this.hasRoom()) this.parts.logger.info(connection, 'The connection of a device has ended.');
    else this.ended += 1;
  }

  /** Says what was left out so far. Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.sumUp();
  }

  private hasRoom(): boolean {
    this.timer ??= this.parts.clock.after(PERIOD, () => this.sumUp());
    this.lines += 1;
    return this.lines <= MOST_LINES;
  }

  private sumUp(): void {
    const { connected, ended } = this;
    this.timer = null;
    this.lines = this.connected = this.ended = 0;
    if (connected + ended === 0) return;
    this.parts.logger.info(
      { connected, ended, seconds: PERIOD / 1000 },
      'More connections of devices came and ended than are logged one by one.',
    );
  }
}
