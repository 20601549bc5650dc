/** `signalbox check-config`: whether `serve` would take this configuration, and what it adds up to. */
import { Command } from 'commander';
import { stringify } from 'yaml';
import { loadConfig } from '../config/config.ts';
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
