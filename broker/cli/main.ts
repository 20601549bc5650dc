#!/usr/bin/env node
/** `signalbox`: one file a subcommand. Exit codes: 0 worked, 1 failed, 2 wrong usage. */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { systemEnvironment } from '../environment.ts';
import { checkConfigCommand } from './check-config.ts';
import { demoCommand } from './demo.ts';
import { deviceCommand } from './device.ts';
import { keyCommand } from './key.ts';
import { CliError } from './output.ts';
import { serveCommand } from './serve.ts';
import { simCommand } from './sim.ts';
import { stateCommand } from './state.ts';
import { watchCommand } from './watch.ts';

const COMMANDS = [
  serveCommand,
  demoCommand,
  simCommand,
  keyCommand,
  deviceCommand,
  stateCommand,
  watchCommand,
  checkConfigCommand,
];

function program(): Command {
  const root = new Command('signalbox')
    .description('IoT telemetry and command broker.')
    .version(systemEnvironment.version)
    .showSuggestionAfterError()
    .showHelpAfterError('(run with --help for what is possible)');
  for (const make of COMMANDS) root.addCommand(make());
  for (const command of withChildren(root)) command.exitOverride();
  return root;
}

/** Settings are not inherited by commands that are added, so they are made on each. */
function withChildren(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withChildren)];
}

/** The exit code, with the message on stderr. */
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
  console.error(error instanceof Error ? error.message : String(error));
  return 1;
}

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
