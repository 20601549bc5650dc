/** What a body asks for, as the hub takes it. Pure. */
import type { NewCommand } from '../../schemas/api.ts';
import { parseDuration } from '../../schemas/durations.ts';
import type { Caller } from '../access/caller.ts';
import type { CommandWish } from '../hub/commands/command.ts';
import { valueOfJson } from '../hub/json.ts';
import type { DeviceParams } from './find-device.ts';

/** Throws HubRefusal for arguments outside the profile. */
export function commandWish(
  { customer, device }: DeviceParams,
  body: NewCommand,
  { keyId: by, role }: Caller,
): CommandWish {
  const { name, args = null, ttl, id = null, supersede = null, whenFull = 'refuse' } = body;
  const value = valueOfJson(args, 'body.args');
  const asker = role === 'admin' ? 'admin' : 'other';
  return {
    customer,
    device,
    name,
    args: value,
    ttl: ttlOf(ttl),
    id,
    supersede,
    whenFull,
    job: null,
    by,
    asker,
  };
}

/** The API takes seconds or a text, the hub ms; only 0 becomes 0; null: the configured default. */
export function ttlOf(ttl: number | string | undefined): number | null {
  if (ttl === undefined) return null;
  return Math.ceil(typeof ttl === 'number' ? ttl * 1000 : (parseDuration(ttl, 's') ?? Number.NaN));
}
