/** How a command reaches a running broker: `--url`, `--key`, their variables, or the key file of the first start. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ADMIN_KEY_FILE } from '../access/bootstrap.ts';
import { keyIdOf } from '../access/key-text.ts';
import { CliError } from './output.ts';

export interface ConnectionOptions {
  readonly url?: string;
  readonly key?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export interface Connection {
  /** http or https, without a slash at its end. */
  readonly url: string;
  readonly key: string;
  /** Where the key was found, for messages. */
  readonly keyFrom: string;
}

export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'the broker (default: $SIGNALBOX_URL, else http://127.0.0.1:8080)')
    .option('--key <key>', 'an API key (default: $SIGNALBOX_KEY, else admin.key in the data folder)')
    .option('--data <dir>', 'data folder where admin.key lies (default: $STATE_DIRECTORY, else ./data)')
    .option('--json', 'machine-readable output');
}

/** Throws CliError if there is no key to use, or if key or URL cannot be right. */
export function connection(options: ConnectionOptions, environment = process.env): Connection {
  const url = checkedUrl(options.url ?? (environment.SIGNALBOX_URL || 'http://127.0.0.1:8080'));
  const { key, keyFrom } = findKey(options, environment);
  if (keyIdOf(key) === null) {
    throw new CliError(
      `The key from ${keyFrom} is mistyped or cut off: it looks like sbx_…, 51 characters long.`,
      2,
    );
  }
  return { url, key, keyFrom };
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw new CliError(`"${text}" is not the URL of a broker, such as http://127.0.0.1:8080.`, 2);
}

function findKey(
  options: ConnectionOptions,
  environment: NodeJS.ProcessEnv,
): Pick<Connection, 'key' | 'keyFrom'> {
  if (options.key !== undefined) return { key: options.key, keyFrom: '--key' };
  if (environment.SIGNALBOX_KEY) return { key: environment.SIGNALBOX_KEY, keyFrom: 'SIGNALBOX_KEY' };
  const { SIGNALBOX_DATA, STATE_DIRECTORY } = environment;
  const folder = options.data ?? (SIGNALBOX_DATA || STATE_DIRECTORY?.split(':')[0] || 'data');
  const path = join(folder, ADMIN_KEY_FILE);
  return { key: readKey(path), keyFrom: path };
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CliError(
      `No key: give --key or SIGNALBOX_KEY, or --data with the folder of admin.key (${path}: ${reason}).`,
    );
  }
}
