/** `signalbox check-config`: whether `serve` would take this configuration, and what it adds up to. */
import { Command } from 'commander';
import { stringify } from 'yaml';
import { loadConfig } from '../config.ts';

export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description('Check a configuration with the environment over it, and print what it adds up to.')
    .argument('[file]', 'YAML configuration')
    .option('--json', 'print JSON')
    .action((file: string | undefined, { json }: { json?: boolean }) => {
      const config = loadConfig({ file, environment: process.env });
      console.log(json ? JSON.stringify(config, null, 2) : stringify(config).trimEnd());
    });
}
