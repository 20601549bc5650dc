/** How a command reaches a running broker: `--url`, `--key`, their variables, or the key file of the first start. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CliError } from './output.ts';

export interface ConnectionOptions {
  readonly url?: string;
  readonly key?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export interface Connection {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string;
}

export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'the broker (default: $SIGNALBOX_URL, else http://127.0.0.1:8080)')
    .option('--key <key>', 'an API key (default: $SIGNALBOX_KEY, else admin.key in the data folder)')
    .option('--data <dir>', 'data folder where admin.key lies (default: $STATE_DIRECTORY, else ./data)')
    .option('--json', 'machine-readable output');
}

/** Throws CliError if there is no key to use. */
export function connection(options: ConnectionOptions, environment = process.env): Connection {
  const url = options.url ?? environment.SIGNALBOX_URL ?? 'http://127.0.0.1:8080';
  if (!URL.canParse(url)) throw new CliError(`"${url}" is not a URL.`, 2);
  return {
    url: url.replace(/\/+$/, ''),
    key: options.key ?? environment.SIGNALBOX_KEY ?? keyFromFile(options, environment),
  };
}

function keyFromFile({ data }: ConnectionOptions, environment: NodeJS.ProcessEnv): string {
  const folder = data ?? environment.SIGNALBOX_DATA ?? environment.STATE_DIRECTORY?.split(':')[0] ?? 'data';
  const path = join(folder, 'admin.key');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CliError(
      `No key: give --key or SIGNALBOX_KEY, or --data with the folder of admin.key (${path}: ${reason}).`,
    );
  }
}
