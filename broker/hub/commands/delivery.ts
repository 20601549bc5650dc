/**
 * Writes commands to the devices that they are for (P-5.2): oldest first, a few at a time, again after a reconnect or when
 * no acceptance comes, at most five times. An attempt is counted durably before its bytes leave.
 */

import { encodeCommand } from '../../wire/encode.ts';
import type { Clock, Log } from '../../wire/environment.ts';
import type { Device, Member } from '../device.ts';
import type { Deadlines } from './deadlines.ts';
import type { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import { countAttempt, endedBy, isWaiting, MAX_ATTEMPTS, written } from './life.ts';
import { isInFlight, type OpenCommands } from './open-commands.ts';
import type { Steps } from './steps.ts';

export interface DeliveryParts {
  readonly open: OpenCommands;
  readonly steps: Steps;
  readonly journal: Journal;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
  readonly logger: Log;
  readonly limits: { readonly inFlight: number; readonly acceptanceSeconds: number };
}

const NOT_ACCEPTED = `The device did not accept it, though it was written ${MAX_ATTEMPTS} times.`;
const CUT = 'The connection ended before the device accepted it, and its ttl of 0 means now or never.';
const SILENT = 'The device did not accept it in time, and its ttl of 0 means now or never.';

export class Delivery {
  private readonly parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.parts = parts;
  }

  /** Whether a new command of the device would be written at once. */
  hasRoom(device: Device): boolean {
    const { member } = device;
    if (!member?.ready) return false;
    const waiting = this.parts.open
      .of(device.customer, device.id)
      .filter(({ command }) => isWaiting(command));
    const everythingIsOut = waiting.every(({ session }) => session === member.session);
    return everythingIsOut && waiting.length < this.parts.limits.inFlight;
  }

  /** Writes what waits, as far as there is room. Resolves when those bytes are handed over. */
  async deliver(device: Device): Promise<void> {
    const { member } = device;
    if (!member?.ready) return;
    const taken = this.next(device, member).filter((entry) => this.reserve(entry, member));
    if (taken.length === 0) return;
    await Promise.all(taken.map((entry) => this.parts.journal.save(entry)));
    for (const entry of taken) this.write(entry, device);
  }

  /** Counts an attempt on this connection; false: there were five, and it has failed. To be saved, then `write`. */
  reserve(entry: Entry, { session }: Member): boolean {
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

  /** Hands over the bytes, if the connection that they were meant for is still there. */
  write(entry: Entry, device: Device): void {
    const { member } = device;
    const { command, session } = entry;
    if (entry.state !== 'open' || session === null || !isWaiting(command)) return;
    if (member?.session !== session) {
      this.release(entry);
      return;
    }
    entry.attempt = 'none';
    const left = command.ttl === 0 ? 0 : Math.max(1, command.expiresAt - this.parts.clock.now());
    const bytes = encodeCommand(command.id, command.name, command.args, left);
    member.write(bytes, () => this.out(entry, device, session));
  }

  /** The device has another connection than before, or none. */
  connectionChanged(device: Device): void {
    const current = device.member?.session ?? null;
    for (const entry of this.parts.open.of(device.customer, device.id)) {
      if (entry.state !== 'open' || !isWaiting(entry.command)) continue;
      if (entry.session !== null && entry.session !== current) this.release(entry);
      else if (current === null && entry.command.ttl === 0) this.fail(entry, CUT);
    }
  }

  private next(device: Device, { session }: Member): readonly Entry[] {
    const entries = this.parts.open.of(device.customer, device.id);
    const inFlight = entries.filter((entry) => isInFlight(entry, session)).length;
    const waiting = entries.filter(
      (entry) => entry.state === 'open' && isWaiting(entry.command) && entry.session !== session,
    );
    return waiting.slice(0, Math.max(0, this.parts.limits.inFlight - inFlight));
  }

  private out(entry: Entry, device: Device, session: string): void {
    const { steps, clock, deadlines, limits } = this.parts;
    const now = clock.now();
    steps.take(entry, written(entry.command, session, now));
    if (entry.state !== 'open' || entry.session !== session || !isWaiting(entry.command)) return;
    entry.acceptance?.cancel();
    entry.acceptance = deadlines.set(now + limits.acceptanceSeconds * 1000, () =>
      this.notAccepted(entry, device, session),
    );
  }

  private notAccepted(entry: Entry, device: Device, session: string): void {
    if (entry.state !== 'open' || entry.session !== session || !isWaiting(entry.command)) return;
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

  private fail(entry: Entry, reason: string): void {
    const at = this.parts.clock.now();
    this.report(this.parts.steps.decide(entry, endedBy(entry.command, 'failed', { at, reason })));
  }

  /** The store reports its failure itself, and the process ends (Stores.onFailure). */
  private report(work: Promise<void>): void {
    work.catch((error: unknown) => this.parts.logger.error({ err: error }, 'A command could not be saved.'));
  }
}
