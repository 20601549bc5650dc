/** The memory of seen commands that the options of a client ask for. */
import type { Clock } from '../broker/base/clock.ts';
import type { DeviceClientOptions } from './options.ts';
import { SeenCommands } from './seen-commands.ts';
import { SeenJournal } from './seen-file.ts';

const DEFAULT_IDS = 1000;
/** More than can wait at once. */
const LEAST_IDS = 200;

export interface OpenSeen {
  readonly commands: SeenCommands;
  /** To be closed at the end. */
  readonly journal: SeenJournal | null;
}

/** Throws if the file cannot be used. */
export function openSeen(
  { commands = {} }: DeviceClientOptions,
  clock: Clock,
  onFault: (error: Error) => void,
): OpenSeen {
  const { file, remember = DEFAULT_IDS } = commands;
  const limit = Math.max(LEAST_IDS, remember);
  if (file === undefined) return { commands: new SeenCommands(limit, null), journal: null };
  const journal = new SeenJournal({ path: file, clock, onFault });
  return { commands: new SeenCommands(limit, journal, journal.known), journal };
}
