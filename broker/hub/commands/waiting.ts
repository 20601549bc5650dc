/** What a command waits for, in a sentence that operators read (users.md, "Commands"). Pure. */
import type { Device } from '../fleet/device.ts';
import { reads } from '../receivable.ts';
import { type Command, isFinal } from './command.ts';
import { isWaiting, MAX_ATTEMPTS } from './life.ts';

/** `device`: null if the broker does not know it (any more). null: it waits for nothing. */
export function waitingFor(command: Command, device: Device | null): string | null {
  if (isFinal(command.status)) return null;
  const away = offline(device);
  if (!isWaiting(command))
    return away === null ? 'waiting for the result' : `waiting for the result; ${away}`;
  if (command.status === 'queued') return away ?? connected(command, device);
  const attempt = `waiting for acceptance, attempt ${command.attempts} of ${MAX_ATTEMPTS}`;
  return away === null ? attempt : `${attempt}; ${away}`;
}

function offline(device: Device | null): string | null {
  if (!device) return 'device unknown';
  if (device.online) return null;
  const { since, asleep } = device.presence;
  if (asleep?.until) return `device asleep until ${new Date(asleep.until).toISOString()}`;
  if (asleep) return `device asleep since ${new Date(since).toISOString()}`;
  return since === 0
    ? 'device has not connected yet'
    : `device offline since ${new Date(since).toISOString()}`;
}

function connected({ attempts }: Command, device: Device | null): string {
  const member = device?.member;
  if (member && !reads(member)) return 'the device does not read what was sent to it before';
  if (attempts > 0) return 'about to be written';
  return member?.ready
    ? 'waiting for earlier commands, which the device has not accepted yet'
    : 'waiting for the greeting of the device, which has just connected';
}
