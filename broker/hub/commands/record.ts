/** A command as a row of the store: CBOR of what nobody looks it up by. Pure. */
import type { CommandRow } from '../../store/command-ports.ts';
import { decode, encode } from '../../wire/cbor.ts';
import type { Command, CommandStatus } from './command.ts';

/** Raise it when the meaning of a member changes; `readCommand` refuses what it does not know. */
const VERSION = 1;

type Body = Pick<
  Command,
  'name' | 'args' | 'ttl' | 'expiresAt' | 'attempts' | 'supersede' | 'by' | 'reply' | 'timeline' | 'result'
> & { readonly version: number };

/** `position`: results before it in the telemetry log are in the command. */
export function writeCommand(command: Command, position: number): CommandRow {
  const { customer, device, id, number, status, createdAt, endedAt, job, ...rest } = command;
  const body: Body = { version: VERSION, ...rest };
  return { customer, device, id, number, status, createdAt, endedAt, job, position, body: encode(body) };
}

export function readCommand(row: CommandRow): Command {
  const { customer, device, id, number, createdAt, endedAt, job } = row;
  const { version, ...rest } = decode(row.body) as Body;
  if (version !== VERSION) {
    throw new Error(`The stored command ${customer}/${id} has version ${version}, not ${VERSION}.`);
  }
  const status = row.status as CommandStatus;
  return { customer, device, id, number, status, createdAt, endedAt, job, ...rest };
}
