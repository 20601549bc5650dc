/** A command that is not final, with what the broker must know of it right now. Owned by `Commands`. */
import type { Command } from './command.ts';
import type { Deadline } from './deadlines.ts';

export interface Entry {
  command: Command;
  /** `storing`: nobody knows of it until it is durable. `ended`: final; it waits to be saved, no more. */
  state: 'storing' | 'open' | 'ended';
  /** The connection that it is written to, or is about to be; null: it waits. */
  session: string | null;
  /**
   * The next attempt: `counted`, which is being saved; `durable`, so its bytes may leave. It stays so when its connection
   * goes before the bytes do, and the next connection uses it. `none`: they have left.
   */
  attempt: 'none' | 'counted' | 'durable';
  /** Up to which log position it holds results, once it has ended; null: up to the one that is applied. */
  position: number | null;
  expiry: Deadline | null;
  acceptance: Deadline | null;
}

export function newEntry(command: Command, state: Entry['state']): Entry {
  return { command, state, session: null, attempt: 'none', position: null, expiry: null, acceptance: null };
}
