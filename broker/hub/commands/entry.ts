/** A command that is not final, with what the broker must know of it right now. Owned by `Commands`. */
import type { Command } from './command.ts';
import type { Deadline } from './deadlines.ts';

export interface Entry {
  command: Command;
  /** `storing`: nobody knows of it until it is durable. `ended`: final; it waits to be saved, no more. */
  state: 'storing' | 'open' | 'ended';
  /** The connection that it is written to, or is about to be; null: it waits. */
  session: string | null;
  /** An attempt that was counted and not used: the connection went before the bytes did. */
  attempt: 'none' | 'counted';
  expiry: Deadline | null;
  acceptance: Deadline | null;
}

export function newEntry(command: Command, state: Entry['state']): Entry {
  return { command, state, session: null, attempt: 'none', expiry: null, acceptance: null };
}
