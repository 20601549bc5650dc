/** What a body asks for, as the hub takes it. Pure. */
import type { NewCommand } from '../../schemas/api.ts';
import type { CommandWish } from '../hub/commands/command.ts';
import { valueOfJson } from '../hub/value-of-json.ts';
import type { DeviceParams } from './find-device.ts';

/** Throws HubRefusal for arguments outside the profile. */
export function commandWish({ customer, device }: DeviceParams, body: NewCommand, by: string): CommandWish {
  const { name, args = null, ttl, id = null, supersede = null, whenFull = 'refuse' } = body;
  const value = valueOfJson(args, 'body.args');
  return { customer, device, name, args: value, ttl: ttlOf(ttl), id, supersede, whenFull, job: null, by };
}

/** The API counts a ttl in seconds, the hub in ms; only 0 becomes 0; null: the configured default. */
export function ttlOf(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.ceil(seconds * 1000);
}
