/**
 * Keeps all device connections of this broker. Owns the set of live sessions and the one heartbeat timer that serves
 * them all (P-7.1); ends them by key, and all of them at a stop. Logs who connects and whose connection ends.
 */
import type { CloseCode } from '../../schemas/errors.ts';
import type { Clock, Random, Timer } from '../base/clock.ts';
import { Lateness } from '../base/lateness.ts';
import type { Logger } from '../base/logger.ts';
import type { SessionParts, Transport } from './parts.ts';
import { DeviceSession, type SessionIdentity } from './session.ts';

/** Lines in a period, and its length; ms. */
const MOST_LINES = 50;
const PERIOD = 10_000;

interface ConnectionLogParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What every line names. */
interface LoggedConnection {
  /** `customer/device`. */
  readonly device: string;
  readonly session: string;
}

/**
 * One line of the log for each device that connects and each whose connection ends; when thousands come back at once,
 * how many were not told one by one. Owns the count of lines and the timer of the period that they count in.
 */
class ConnectionLog {
  private readonly parts: ConnectionLogParts;
  private lines = 0;
  private connected = 0;
  private ended = 0;
  private timer: Timer | null = null;

  constructor(parts: ConnectionLogParts) {
    this.parts = parts;
  }

  /** `replaced`: the session that was taken over (P-1.6); null: none. */
  logConnected(connection: LoggedConnection & { readonly keyId: string }, replaced: string | null): void {
    if (!this.hasRoom()) this.connected += 1;
    else if (replaced === null) this.parts.logger.info(connection, 'A device has connected.');
    else this.parts.logger.info({ ...connection, replaced }, 'A newer connection took over.');
  }

  /** `reason`: the close code's name, or how the socket ended. */
  logEnded(connection: LoggedConnection & { readonly reason: string; readonly seconds: number }): void {
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

/** How often heartbeats are looked after; the resolution of P-7.1's times. */
const SWEEP = 1000;
/** Silent keepalive intervals before a connection is ended (P-7.1). */
const SILENT_INTERVALS = 2.5;
/** Reconnect hints at a stop start here, so that a restarting broker is up again (ms). */
const EARLIEST_RECONNECT = 500;

export class Sessions {
  private readonly parts: SessionParts;
  private readonly random: Random;
  private readonly live = new Set<DeviceSession>();
  private readonly log: ConnectionLog;
  private timer: Timer | null = null;

  constructor(parts: SessionParts, random: Random) {
    this.parts = parts;
    this.random = random;
    this.log = new ConnectionLog(parts);
  }

  get size(): number {
    return this.live.size;
  }

  start(): void {
    if (this.timer) return;
    const { clock } = this.parts;
    const lateness = new Lateness(SWEEP, clock.monotonic());
    this.timer = clock.every(SWEEP, () => {
      const now = clock.monotonic();
      const late = lateness.measure(now);
      if (late > 0) this.excuse(late, now);
      else this.sweep(now);
    });
  }

  /** Begins a session on an open connection. The caller passes on what the socket delivers, and `closed`. */
  open(identity: SessionIdentity, transport: Transport): DeviceSession {
    const session = new DeviceSession(identity, transport, this.parts);
    this.live.add(session);
    this.parts.counters.connectionsOpened += 1;
    const replaced = session.open();
    const { device, session: id, keyId } = session;
    this.log.logConnected({ device: device.name, session: id, keyId }, replaced);
    return session;
  }

  /** As `DeviceSession.closed`. */
  closed(session: DeviceSession, how: string, said?: string): void {
    if (!this.live.delete(session)) return;
    const end = session.closed(how, said);
    this.log.logEnded({ device: session.device.name, session: session.session, ...end });
  }

  /** Ends exactly the connections of one key; returns how many. */
  endKey(keyId: string, code: CloseCode, detail: string): number {
    const matching = [...this.live].filter((session) => session.keyId === keyId);
    for (const session of matching) session.end(code, detail);
    return matching.length;
  }

  /**
   * Sends what is owed, then ends every connection with 1001 and a delay spread over `overMs`, so that a fleet does
   * not come back in one moment (P-7.3).
   */
  drain(overMs: number): void {
    for (const session of this.live) {
      session.flushAcks();
      session.end(1001, this.advice(overMs));
    }
  }

  /** Ends every connection with 1013 and a delay from half of `withinMs` on (P-7.3); devices may come back after it. */
  sendAway(why: string, withinMs: number): void {
    for (const session of this.live) {
      session.flushAcks();
      session.end(1013, `${why}; ${this.advice(withinMs / 2, withinMs / 2)}`);
    }
  }

  /** Ends every connection without another word; after a failure of the store. */
  abandon(): void {
    for (const session of this.live) session.end(1013, 'The broker cannot store anything.');
  }

  /** Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.log.stop();
  }

  /** The process was held up: nobody was silent in that time, and who was before is asked once more (P-7.1). */
  private excuse(late: number, now: number): void {
    for (const session of this.live) {
      session.silentSince += late;
      // Not everybody each time when a broker that is too busy comes late again and again.
      if (now >= session.pingAt) session.ping(now);
    }
  }

  private advice(overMs: number, fromMs = EARLIEST_RECONNECT): string {
    return `reconnect in ${Math.round(fromMs + this.random() * overMs)} ms`;
  }

  private sweep(now: number): void {
    const silence = this.parts.config.devices.keepalive * 1000 * SILENT_INTERVALS;
    for (const session of this.live) {
      if (session.isHeldBack) session.silentSince = now;
      if (now - session.silentSince >= silence) session.end(4008);
      else if (now >= session.pingAt) session.ping(now);
      session.wait(now);
    }
  }
}
