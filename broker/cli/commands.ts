/** Every subcommand of `signalbox`, in the order of its help, and the process that runs one of them. */
import { systemEnvironment } from '../main.ts';
import { auditCommand } from './audit.ts';
import { commandCommand } from './command.ts';
import { demoCommand } from './demo.ts';
import { desiredCommand } from './desired.ts';
import { deviceCommand } from './device.ts';
import { jobCommand } from './job.ts';
import { keyCommand } from './key.ts';
import { runCommandLine } from './program.ts';
import { sendCommand } from './send.ts';
import { checkConfigCommand, serveCommand } from './serve.ts';
import { simCommand } from './sim.ts';
import { stateCommand } from './state.ts';
import { watchCommand } from './watch.ts';

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
  // Whoever reads us has had enough, as in `signalbox watch | head`. console hides that, and watch would go on for ever.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
  const commands = COMMANDS.map((make) => make());
  const code = await runCommandLine(commands, process.argv.slice(2), systemEnvironment.version);
  // A command that ran to its end has set its own, if it was not 0.
  if (code !== 0) process.exitCode = code;
}
