/**
 * Reaches a running broker: finds its address and a key (`--url`, `--key`, their variables, or the key file of the
 * first start), calls the HTTP API, and puts what went wrong into a sentence that a person can act on.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type ApiClient, ApiRefusal, ApiUnreachable, answerOf, createApi } from '../../schemas/api/client.ts';
import { ADMIN_KEY_FILE } from '../access/bootstrap.ts';
import { keyIdOf } from '../access/key-text.ts';
import { CliError, printable } from './output.ts';

export interface AddressOptions {
  readonly url?: string;
  readonly key?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export interface BrokerAddress {
  /** http or https, without a slash at its end. */
  readonly url: string;
  readonly key: string;
  /** Where the key was found, for messages. */
  readonly keyFrom: string;
}

export function withAddress(command: Command): Command {
  return command
    .option('--url <url>', 'the broker (default: $SIGNALBOX_URL, else http://127.0.0.1:8080)')
    .option('--key <key>', 'an API key (default: $SIGNALBOX_KEY, else admin.key in the data folder)')
    .option('--data <dir>', 'data folder where admin.key lies (default: $STATE_DIRECTORY, else ./data)')
    .option('--json', 'machine-readable output');
}

/** Throws CliError if there is no key to use, or if key or URL cannot be right. */
export function brokerAddress(options: AddressOptions, environment = process.env): BrokerAddress {
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
  options: AddressOptions,
  environment: NodeJS.ProcessEnv,
): Pick<BrokerAddress, 'key' | 'keyFrom'> {
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

/** There is no such thing, or none that the key may see. */
export class NotFound extends CliError {}

/** No answer came; another try may bring one. */
export class Unreachable extends CliError {}

/** What the API answers; `ask` says what is asked of it. Throws CliError. */
export async function call<Answer>(
  address: BrokerAddress,
  ask: (api: ApiClient) => Promise<{ readonly data?: Answer }>,
): Promise<Answer> {
  try {
    return await answerOf(ask(createApi(address)));
  } catch (error) {
    if (error instanceof ApiUnreachable) throw new Unreachable(unreachable(address, error.message));
    if (!(error instanceof ApiRefusal)) throw error;
    const message = explanation(error, address);
    throw error.status === 404 ? new NotFound(message) : new CliError(message);
  }
}

interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** Every item of a paged list; what is asked takes the page in its query. */
export async function callList<Item>(
  address: BrokerAddress,
  ask: (
    api: ApiClient,
    page: { readonly limit: number; readonly cursor?: string },
  ) => Promise<{ readonly data?: ListPage<Item> }>,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page = { limit: 1000, ...(cursor !== null && { cursor }) };
    const answer: ListPage<Item> = await call(address, (api) => ask(api, page));
    items.push(...answer.items);
    cursor = answer.next;
  } while (cursor !== null);
  return items;
}

/** Leaves out the members that nobody has given. */
export function defined<Given extends object>(
  given: Given,
): { [Name in keyof Given]?: Exclude<Given[Name], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Given]?: Exclude<Given[Name], undefined> };
}

/** One sentence about a refusal. */
export function explanation(
  { status, problem, location }: ApiRefusal,
  { url, keyFrom }: BrokerAddress,
): string {
  if (location)
    return `${url} points to ${printable(location)}; give that as --url if you trust it with the key.`;
  if (!problem) return `${url} answered ${status}, and not as a Signalbox broker does. Is the URL right?`;
  const whose = status === 401 ? ` (The key is from ${keyFrom}.)` : '';
  return printable(`${problem.title}: ${problem.detail}${whose}`);
}

export function unreachable({ url }: BrokerAddress, reason: string): string {
  return `No broker answers at ${url} (${reason}). Is it running? Set --url or SIGNALBOX_URL.`;
}
