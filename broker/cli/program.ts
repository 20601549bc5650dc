/** The command line as a whole: the commands under one roof, and what becomes of their errors. */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/config.ts';
import { CliError } from './output.ts';

/** Runs what `args` say. Resolves with the exit code: 0 worked, 1 failed, 2 wrong usage; the reason is on stderr. */
export async function runCommandLine(
  commands: readonly Command[],
  args: readonly string[],
  version: string,
): Promise<number> {
  try {
    await program(commands, version).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    return explain(error);
  }
}

function program(commands: readonly Command[], version: string): Command {
  const root = new Command('signalbox')
    .description('IoT telemetry and command broker.')
    .version(version)
    .showHelpAfterError('(run with --help for what is possible)')
    .configureOutput({
      writeOut: (text) => console.log(text.trimEnd()),
      writeErr: (text) => console.error(text.trimEnd()),
    })
    .exitOverride();
  for (const command of commands) adopt(root, command);
  return root;
}

/** Commands that are made elsewhere inherit nothing by themselves. */
function adopt(parent: Command, command: Command): void {
  if (command.parent !== parent) parent.addCommand(command);
  command.copyInheritedSettings(parent);
  for (const child of command.commands) adopt(command, child);
}

function explain(error: unknown): number {
  // commander has said it already; it ends with 0 after help and version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) {
    console.error(error.message);
    return 2;
  }
  if (error instanceof CliError) {
    console.error(error.message);
    return error.exitCode;
  }
  console.error(isExpected(error) ? error.message : error);
  return 1;
}

/** Of the system, such as a port that is taken, or of the store: no mistake of ours, whose trace would help. */
function isExpected(error: unknown): error is Error {
  return error instanceof Error && 'code' in error;
}
