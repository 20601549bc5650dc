/**
 * Writes commands to the devices that they are for (P-5.2): oldest first, a few at a time, again after a reconnect or when
 * no acceptance comes, at most five times. An attempt is counted durably before its bytes leave. Owns the timers that look again at
 * devices which do not read.
 */

import { inBackground } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { encodeCommand } from '../../wire/encode.ts';
import type { Device, Member } from '../fleet/device.ts';
import { reads, tooBigFor } from '../sendable.ts';
import type { Deadlines } from './deadlines.ts';
import { countAttempt, endedBy, isWaiting, MAX_ATTEMPTS, written } from './life.ts';
import { type Entry, isInFlight, type Journal, type OpenCommands, type Steps } from './open-commands.ts';

export interface DeliveryParts {
  readonly open: OpenCommands;
  readonly steps: Steps;
  readonly journal: Journal;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: { readonly inFlight: number; readonly acceptanceSeconds: number };
}

const NOT_ACCEPTED = `The device did not accept it, though it was written ${MAX_ATTEMPTS} times.`;
const CUT = 'The connection ended before the device accepted it, and its ttl of 0 means now or never.';
const SILENT = 'The device did not accept it in time, and its ttl of 0 means now or never.';

/** How often a device that does not read is looked at again; ms. */
const LOOK_AGAIN = 1000;

export class Delivery {
  private readonly parts: DeliveryParts;
  private readonly unread = new Map<Device, Timer>();

  constructor(parts: DeliveryParts) {
    this.parts = parts;
  }

  /** Idempotent; nobody is looked at again. */
  stop(): void {
    for (const timer of this.unread.values()) timer.cancel();
    this.unread.clear();
  }

  /** Whether a new command of the device would be written at once. */
  hasRoom(device: Device): boolean {
    const { member } = device;
    if (!member?.ready || !reads(member)) return false;
    const waiting = this.parts.open
      .of(device.customer, device.id)
      .filter(({ command }) => isWaiting(command));
    const everythingIsOut = waiting.every(({ session }) => session === member.session);
    return everythingIsOut && waiting.length < this.parts.limits.inFlight;
  }

  /** A command that has just become durable. Resolves when what there was room for is handed over. */
  opened(entry: Entry, device: Device): Promise<void> {
    if (entry.attempt === 'counted') entry.attempt = 'durable';
    // While it was saved nobody looked after it.
    this.checkConnection(entry, device.member?.session ?? null);
    return this.deliver(device);
  }

  /** Writes what waits, as far as there is room. Resolves when those bytes are handed over. */
  async deliver(device: Device): Promise<void> {
    const { member } = device;
    if (!member?.ready) return;
    if (!reads(member)) {
      this.lookAgain(device);
      return;
    }
    const taken = this.next(device, member).filter((entry) => this.reserve(entry, device, member));
    const counted = taken.filter(({ attempt }) => attempt === 'counted');
    if (counted.length > 0) await this.saveAttempts(counted);
    this.write(device);
  }

  /** While one attempt is saved the next may be counted, on the next connection: a save speaks for its own. */
  private async saveAttempts(entries: readonly Entry[]): Promise<void> {
    const saving = entries.map((entry) => ({ entry, attempts: entry.command.attempts }));
    await Promise.all(entries.map((entry) => this.parts.journal.save(entry)));
    for (const { entry, attempts } of saving) {
      const isOfThis = entry.attempt === 'counted' && entry.command.attempts === attempts;
      if (isOfThis) entry.attempt = 'durable';
    }
  }

  /**
   * Counts an attempt on this connection; false: there were five, or the device cannot receive it, and it has failed. To be
   * saved, then `write`.
   */
  reserve(entry: Entry, device: Device, { session }: Member): boolean {
    if (this.failTooBig(entry, device)) return false;
    if (entry.attempt === 'none') {
      if (entry.command.attempts >= MAX_ATTEMPTS) {
        this.fail(entry, NOT_ACCEPTED);
        return false;
      }
      entry.command = countAttempt(entry.command);
      entry.attempt = 'counted';
    }
    entry.session = session;
    return true;
  }

  /** The device has another connection than before, or none. */
  connectionChanged(device: Device): void {
    const current = device.member?.session ?? null;
    for (const entry of this.parts.open.of(device.customer, device.id)) {
      if (entry.state === 'open') this.checkConnection(entry, current);
    }
  }

  private checkConnection(entry: Entry, current: string | null): void {
    if (!isWaiting(entry.command)) return;
    if (entry.session !== null && entry.session !== current) this.release(entry);
    else if (current === null && entry.command.ttl === 0) this.fail(entry, CUT);
  }

  /** Those that there is room for; none that is younger than one that is still being saved. */
  private next(device: Device, { session }: Member): readonly Entry[] {
    const waiting = this.parts.open.of(device.customer, device.id).filter((one) => isWaiting(one.command));
    const others = waiting.filter((entry) => entry.session !== session);
    const room = this.parts.limits.inFlight - (waiting.length - others.length);
    const storing = others.findIndex(({ state }) => state === 'storing');
    return others.slice(0, Math.max(0, storing < 0 ? room : Math.min(room, storing)));
  }

  /** Hands over what is durable, oldest first, up to one that is not yet: that one goes before the others. */
  private write(device: Device): void {
    const { member } = device;
    if (!member?.ready) return;
    for (const entry of this.parts.open.of(device.customer, device.id)) {
      if (!isInFlight(entry, member.session)) continue;
      if (entry.attempt === 'counted') return;
      if (entry.attempt !== 'durable') continue;
      if (!reads(member)) {
        this.lookAgain(device);
        return;
      }
      this.send(entry, device, member);
    }
  }

  /** What waits for a device that does not read would wait in its socket, without a bound: it waits here instead. */
  private lookAgain(device: Device): void {
    if (this.unread.has(device)) return;
    const timer = this.parts.clock.after(LOOK_AGAIN, () => {
      this.unread.delete(device);
      this.report(this.deliver(device));
    });
    this.unread.set(device, timer);
  }

  /** Some of what was written has left: perhaps there is room again. */
  private drained(device: Device): void {
    const timer = this.unread.get(device);
    if (!timer || !device.member || !reads(device.member)) return;
    timer.cancel();
    this.unread.delete(device);
    this.report(this.deliver(device));
  }

  private send(entry: Entry, device: Device, member: Member): void {
    const { id, name, args, ttl, expiresAt, attempts } = entry.command;
    const left = expiresAt - this.parts.clock.now();
    // Its end is about to be noticed.
    if (left <= 0) return;
    // Again: a late hello may have said less than was known when its attempt was counted.
    if (this.failTooBig(entry, device)) return;
    entry.attempt = 'none';
    // A clock that was set back must not make it longer than it was.
    const bytes = encodeCommand(id, name, args, Math.min(ttl, Math.max(1, left)));
    member.write(bytes, () => this.out(entry, device, { session: member.session, attempt: attempts }));
  }

  private out(
    entry: Entry,
    device: Device,
    to: { readonly session: string; readonly attempt: number },
  ): void {
    const { steps, clock, deadlines, limits } = this.parts;
    const { session } = to;
    this.drained(device);
    steps.take(entry, written(entry.command, { ...to, at: clock.now() }));
    if (entry.state !== 'open' || !isInFlight(entry, session)) return;
    entry.acceptance?.cancel();
    entry.acceptance = deadlines.after(limits.acceptanceSeconds * 1000, () =>
      this.notAccepted(entry, device, session),
    );
  }

  private notAccepted(entry: Entry, device: Device, session: string): void {
    if (entry.state !== 'open' || !isInFlight(entry, session)) return;
    entry.session = null;
    if (entry.command.ttl === 0) this.fail(entry, SILENT);
    else this.report(this.deliver(device));
  }

  private release(entry: Entry): void {
    entry.session = null;
    entry.acceptance?.cancel();
    entry.acceptance = null;
    if (entry.command.ttl === 0) this.fail(entry, CUT);
  }

  /** P-3.2: what the device cannot receive is never written; it would cut the connection off, again and again. */
  private failTooBig(entry: Entry, device: Device): boolean {
    if (device.description.maxFrame === null) return false;
    const { id, name, args, ttl } = entry.command;
    const reason = tooBigFor(device, encodeCommand(id, name, args, ttl), 'The command');
    if (reason !== null) this.fail(entry, `${reason} It was not written.`);
    return reason !== null;
  }

  private fail(entry: Entry, reason: string): void {
    const at = this.parts.clock.now();
    this.report(this.parts.steps.decide(entry, endedBy(entry.command, 'failed', { at, reason })));
  }

  private report(work: Promise<void>): void {
    inBackground(work, this.parts.logger, 'A command could not be saved.');
  }
}
