/**
 * Runs `signalbox serve`: the broker; and `signalbox check-config`: says whether `serve` would take a configuration,
 * and prints what it adds up to.
 */
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { Config } from '../../schemas/config.ts';
import { loadConfig } from '../config/config.ts';
import { makeLogger } from './logger.ts';
import { wholeNumber } from './options.ts';
import { print } from './output.ts';

export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description('Check a configuration with the environment over it, and print what it adds up to.')
    .argument('[file]', 'YAML configuration')
    .option('--config <file>', 'the same, as `serve` takes it')
    .option('--json', 'machine-readable output')
    .action((argument: string | undefined, options: { config?: string; json?: boolean }) => {
      const config = loadConfig({ file: argument ?? options.config, environment: process.env });
      print(options, config, () => stringify(config).trimEnd());
    });
}

interface ServeOptions {
  readonly config?: string;
  readonly data?: string;
  readonly host?: string;
  readonly port?: number;
  readonly logLevel?: Config['log']['level'];
}

const LEVELS = ['debug', 'info', 'warn', 'error'] satisfies Config['log']['level'][];

export function serveCommand(): Command {
  return new Command('serve')
    .description('Run the broker. Logs JSON lines to stdout, pretty on a terminal.')
    .option('--config <file>', 'YAML configuration; see docs/configuration.md')
    .option('--data <dir>', 'data folder (default: $STATE_DIRECTORY, else ./data)')
    .option('--host <address>', 'address to listen on')
    .option('--port <n>', 'port to listen on; 0 picks a free one', wholeNumber(0, 65535))
    .addOption(new Option('--log-level <level>', 'what is logged').choices(LEVELS))
    .action(async ({ config: file, data, host, port, logLevel: level }: ServeOptions) => {
      const flags = { data, server: { host, port }, log: { level } };
      const config = loadConfig({ file, environment: process.env, flags });
      // Loaded here only: it is the whole broker, and the other commands should start at once.
      const { runBroker } = await import('../main.ts');
      process.exitCode = await runBroker(config, makeLogger(config));
    });
}
