/** Every subcommand of `signalbox`, in the order of its help. */
import { auditCommand } from './audit.ts';
import { checkConfigCommand } from './check-config.ts';
import { commandCommand } from './command.ts';
import { demoCommand } from './demo.ts';
import { desiredCommand } from './desired.ts';
import { deviceCommand } from './device.ts';
import { jobCommand } from './job.ts';
import { keyCommand } from './key.ts';
import { sendCommand } from './send.ts';
import { serveCommand } from './serve.ts';
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
