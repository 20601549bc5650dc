/** Whether a command may be asked for: everything that can be wrong with a wish, in one place. Pure. */
import { COMMAND_ID } from '../../../schemas/api/commands.ts';
import type { Config } from '../../../schemas/config.ts';
import { METRIC_NAME } from '../../../schemas/frames.ts';
import { encode } from '../../wire/cbor.ts';
import type { Value } from '../../wire/frames.ts';
import { HubRefusal } from '../refusal.ts';
import { checkProfile, checkSize, isName } from '../sendable.ts';
import type { Command, CommandWish } from './command.ts';

export type CommandLimits = Config['commands'];

const ID = new RegExp(COMMAND_ID);
/** The array around the arguments. */
const AROUND = 1;

/** Throws HubRefusal; returns the ttl in ms. */
export function checkWish(
  { name, id, args, ttl }: Pick<CommandWish, 'name' | 'id' | 'args' | 'ttl'>,
  limits: CommandLimits,
): number {
  if (id !== null && !ID.test(id)) throw new HubRefusal('bad-request', `The id must match ${COMMAND_ID}.`);
  if (!isName(name)) throw new HubRefusal('bad-request', `A command's name matches ${METRIC_NAME} (P-1.4).`);
  checkArguments(args, limits.argsBytes);
  const milliseconds = ttl ?? limits.defaultTtlSeconds * 1000;
  const longest = limits.maxTtlSeconds * 1000;
  if (milliseconds >= 0 && milliseconds <= longest) return milliseconds;
  throw new HubRefusal(
    'bad-request',
    `ttl must be 0 to ${limits.maxTtlSeconds} s, the limit commands.maxTtlSeconds.`,
    'commands.maxTtlSeconds',
  );
}

function checkArguments(args: Value, bytes: number): void {
  // Inside the frame they are one level deeper.
  const item = encode([args]);
  const setting = 'commands.argsBytes';
  checkSize(item.length - AROUND, 'The arguments take', { bytes, setting, code: 'args-too-large' });
  checkProfile(item, 'The arguments');
}

/** The same id was asked for before: whether it is the same command. */
export function isSameWish(command: Command, wish: CommandWish): boolean {
  const { device, name, args } = wish;
  const isSameArgs = Buffer.compare(encode(command.args), encode(args)) === 0;
  return command.device === device && command.name === name && isSameArgs;
}
