/**
 * Puts the command line together: every subcommand of `signalbox` in the order of its help. Prints their errors and
 * turns them into exit codes.
 */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/config.ts';
import { systemEnvironment } from '../main.ts';
import { auditCommand } from './audit.ts';
import { commandCommand } from './command.ts';
import { demoCommand } from './demo.ts';
import { desiredCommand } from './desired.ts';
import { deviceCommand, stateCommand } from './device.ts';
import { jobCommand } from './job.ts';
import { keyCommand } from './key.ts';
import { CliError } from './output.ts';
import { sendCommand } from './send.ts';
import { checkConfigCommand, serveCommand } from './serve.ts';
import { simCommand } from './sim.ts';
import { watchCommand } from './watch.ts';

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

/**
 * Whether the error is the system's, such as a port that is taken, or the store's: no fault of ours, whose trace would
 * help.
 */
function isExpected(error: unknown): error is Error {
  return error instanceof Error && 'code' in error;
}

export const COMMANDS = [
  serveCommand,
  demoCommand,
  simCommand,
  keyCommand,
  deviceCommand,
  stateCommand,
  sendCommand,
  commandCommand,
  jobCommand,
  desiredCommand,
  auditCommand,
  watchCommand,
  checkConfigCommand,
];

/** Runs what the process was started with, and leaves the exit code in it. */
export async function runProcess(): Promise<void> {
  // The reader of our output has gone, as in `signalbox watch | head`. console hides that; watch would go on for ever.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
  const commands = COMMANDS.map((make) => make());
  const code = await runCommandLine(commands, process.argv.slice(2), systemEnvironment.version);
  // A command that ran to its end has set its own, if it was not 0.
  if (code !== 0) process.exitCode = code;
}
