#!/usr/bin/env node
/** `signalbox`: the process. One file a subcommand. */
import { systemEnvironment } from '../environment.ts';
import { COMMANDS } from './commands.ts';
import { runCommandLine } from './program.ts';

// Whoever reads us has had enough, as in `signalbox watch | head`. console hides that, and watch would go on for ever.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
});

const code = await runCommandLine(
  COMMANDS.map((make) => make()),
  process.argv.slice(2),
  systemEnvironment.version,
);
// A command that ran to its end has set its own, if it was not 0.
if (code !== 0) process.exitCode = code;
