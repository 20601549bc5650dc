/**
 * Writes commands to the devices that they are for (P-5.2): oldest first, a few at a time, again after a reconnect or when
 * no acceptance comes, at most five times. An attempt is counted durably before its bytes leave. Decides which command goes to
 * which connection and when; `OpenCommands` changes it. Owns the timers that look again at devices which do not read.
 */

import { inBackground } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { encodeCommand } from '../../wire/encode.ts';
import type { Device, Member } from '../fleet/device.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { reads, tooBigFor } from '../sendable.ts';
import type { Command } from './command.ts';
import { isWaiting, MAX_ATTEMPTS } from './life.ts';
import { isInFlight, type OpenCommand, type OpenCommands } from './open-commands.ts';

export interface DeliveryParts {
  readonly open: OpenCommands;
  readonly fleet: Pick<Fleet, 'find' | 'onConnection'>;
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
  private undo: (() => void)[] = [];

  constructor(parts: DeliveryParts) {
    this.parts = parts;
  }

  start(): void {
    const { open, fleet } = this.parts;
    this.undo = [
      open.onStep((command) => this.makeWay(command)),
      fleet.onConnection((device) => this.connectionChanged(device)),
    ];
  }

  /** Idempotent; nobody is looked at again. */
  stop(): void {
    for (const undo of this.undo.splice(0)) undo();
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

  /** A command that has just become durable. */
  opened(entry: OpenCommand, device: Device): void {
    // While it was saved nobody looked after it.
    this.checkConnection(entry, device.member?.session ?? null);
    this.report(this.deliver(device));
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
    if (counted.length > 0) await this.parts.open.saveAttempts(counted);
    this.write(device);
  }

  /**
   * Counts an attempt on this connection; false: there were five, or the device cannot receive it, and it has failed. To be
   * saved, then `write`.
   */
  reserve(entry: OpenCommand, device: Device, { session }: Member): boolean {
    if (this.failTooBig(entry, device)) return false;
    if (entry.attempt === 'none' && entry.command.attempts >= MAX_ATTEMPTS) {
      this.fail(entry, NOT_ACCEPTED);
      return false;
    }
    this.parts.open.bind(entry, session);
    return true;
  }

  /** One that is accepted or over makes room for those that wait. */
  private makeWay(command: Command): void {
    const { open, fleet } = this.parts;
    const { customer, device } = command;
    if (isWaiting(command) || open.count(customer, device) === 0) return;
    const known = fleet.find(customer, device);
    if (known) this.report(this.deliver(known));
  }

  /** The device has another connection than before, or none. */
  private connectionChanged(device: Device): void {
    const current = device.member?.session ?? null;
    for (const entry of this.parts.open.of(device.customer, device.id)) {
      if (entry.state === 'open') this.checkConnection(entry, current);
    }
  }

  private checkConnection(entry: OpenCommand, current: string | null): void {
    if (!isWaiting(entry.command)) return;
    if (entry.session !== null && entry.session !== current) this.release(entry);
    else if (current === null && entry.command.ttl === 0) this.fail(entry, CUT);
  }

  /** Those that there is room for; none that is younger than one that is still being saved. */
  private next(device: Device, { session }: Member): readonly OpenCommand[] {
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

  private send(entry: OpenCommand, device: Device, member: Member): void {
    const { id, name, args, ttl, expiresAt, attempts } = entry.command;
    const left = expiresAt - this.parts.clock.now();
    // Its end is about to be noticed.
    if (left <= 0) return;
    // Again: a late hello may have said less than was known when its attempt was counted.
    if (this.failTooBig(entry, device)) return;
    this.parts.open.sending(entry);
    // A clock that was set back must not make it longer than it was.
    const bytes = encodeCommand(id, name, args, Math.min(ttl, Math.max(1, left)));
    member.write(bytes, () => this.out(entry, device, { session: member.session, attempt: attempts }));
  }

  private out(
    entry: OpenCommand,
    device: Device,
    to: { readonly session: string; readonly attempt: number },
  ): void {
    const { open, limits } = this.parts;
    this.drained(device);
    const overdue = () => this.notAccepted(entry, device);
    open.sent(entry, to, { within: limits.acceptanceSeconds * 1000, overdue });
  }

  private notAccepted(entry: OpenCommand, device: Device): void {
    this.parts.open.release(entry);
    if (entry.command.ttl === 0) this.fail(entry, SILENT);
    else this.report(this.deliver(device));
  }

  private release(entry: OpenCommand): void {
    this.parts.open.release(entry);
    if (entry.command.ttl === 0) this.fail(entry, CUT);
  }

  /** P-3.2: what the device cannot receive is never written; it would cut the connection off, again and again. */
  private failTooBig(entry: OpenCommand, device: Device): boolean {
    if (device.maxFrame === null) return false;
    const { id, name, args, ttl } = entry.command;
    const reason = tooBigFor(device, encodeCommand(id, name, args, ttl), 'The command');
    if (reason !== null) this.fail(entry, `${reason} It was not written.`);
    return reason !== null;
  }

  private fail(entry: OpenCommand, reason: string): void {
    this.parts.open.endSoon(entry, 'failed', reason);
  }

  private report(work: Promise<void>): void {
    inBackground(work, this.parts.logger, 'A command could not be saved.');
  }
}
