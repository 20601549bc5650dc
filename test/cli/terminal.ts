/** Runs the command line in this process and keeps what it printed. */
import { randomBytes } from 'node:crypto';
import { onTestFinished, vi } from 'vitest';
import { makeKeyText } from '../../broker/access/key-text.ts';
import { COMMANDS, runCommandLine } from '../../broker/cli/commands.ts';

export interface Printed {
  /** Lines on stdout and on stderr, so far. */
  readonly out: string[];
  readonly err: string[];
}

export interface Ran extends Printed {
  readonly code: number;
}

/** A key that is well-formed, and that no broker knows. */
export const KEY = makeKeyText(randomBytes).text;

/** Starts a command; `printed` fills while it runs. */
export function start(...args: string[]): { readonly printed: Printed; readonly code: Promise<number> } {
  const printed: Printed = { out: [], err: [] };
  const keep = (lines: string[]) => (text: unknown) => void lines.push(...String(text).split('\n'));
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(keep(printed.out)),
    vi.spyOn(console, 'error').mockImplementation(keep(printed.err)),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  const commands = COMMANDS.map((make) => make());
  return { printed, code: runCommandLine(commands, args, '1.2.3') };
}

/** Runs a command to its end. */
export async function run(...args: string[]): Promise<Ran> {
  const { printed, code } = start(...args);
  return { code: await code, ...printed };
}
