/**
 * Calls of the broker's HTTP API with errors that a person can act on.
 *
 * How a command reaches a running broker: `--url`, `--key`, their variables, or the key file of the first start.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Problem } from '../../schemas/problems.ts';
import { ADMIN_KEY_FILE } from '../access/bootstrap.ts';
import { keyIdOf } from '../access/key-text.ts';
import { CliError, printable } from './output.ts';

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

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** The version that the caller has seen, as the ETag tells it. */
  readonly ifMatch?: string;
  /** Lets go of the answer. */
  readonly signal?: AbortSignal;
}

/** What the broker said instead of doing it. */
export interface Refused {
  readonly status: number;
  readonly text: string;
}

/** There is no such thing, or none that the key may see. */
export class NotFound extends CliError {}

/** No answer came; another try may bring one. */
export class Unreachable extends CliError {}

const ANSWER_WITHIN = 30_000;

/** The answer's JSON; null for an empty one. Throws CliError. */
export async function call<Answer>(
  connection: Connection,
  path: string,
  options: Call = {},
): Promise<Answer> {
  const { response, text } = await send(connection, path, options);
  const { status } = response;
  if (!response.ok) {
    const message = explanation({ status, text }, connection, response.headers.get('location'));
    throw status === 404 ? new NotFound(message) : new CliError(message);
  }
  const answer = text === '' ? null : parsed(text);
  if (answer === undefined) throw new CliError(explanation({ status, text }, connection));
  return answer as Answer;
}

/** The first `limit` items of a paged list, and whether there are more. */
export async function callFirst<Item>(
  connection: Connection,
  path: string,
  { limit, ...query }: { readonly limit: number } & Readonly<Record<string, string | number | undefined>>,
): Promise<{ readonly items: readonly Item[]; readonly more: boolean }> {
  const texts = Object.entries({ ...query, limit }).map(([name, value]) => [name, value?.toString()]);
  const page: { items: Item[]; next: string | null } = await call(connection, path, {
    query: Object.fromEntries(texts),
  });
  return { items: page.items, more: page.next !== null };
}

/** Every item of a paged list. */
export async function callList<Item>(
  connection: Connection,
  path: string,
  query: Call['query'] = {},
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: Item[]; next: string | null } = await call(connection, path, {
      query: { ...query, limit: '1000', cursor: cursor ?? undefined },
    });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

/** One sentence about a refusal; `location` is where a redirect points. */
export function explanation(
  { status, text }: Refused,
  { url, keyFrom }: Connection,
  location?: string | null,
): string {
  const { title, detail } = (parsed(text) ?? {}) as Partial<Problem>;
  if (location)
    return `${url} points to ${printable(location)}; give that as --url if you trust it with the key.`;
  if (!title || !detail)
    return `${url} answered ${status}, and not as a Signalbox broker does. Is the URL right?`;
  const whose = status === 401 ? ` (The key is from ${keyFrom}.)` : '';
  return printable(`${title}: ${detail}${whose}`);
}

export function unreachable({ url }: Connection, reason: string): string {
  return `No broker answers at ${url} (${reason}). Is it running? Set --url or SIGNALBOX_URL.`;
}

/** Redirects are not followed: the key is for this broker only. */
async function send(
  connection: Connection,
  path: string,
  { method = 'GET', query, body, ifMatch, signal }: Call,
): Promise<{ response: Response; text: string }> {
  const target = new URL(`${connection.url}/api/v1${path}`);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) target.searchParams.set(name, value);
  }
  const timeout = AbortSignal.timeout(ANSWER_WITHIN);
  const headers = {
    Authorization: `Bearer ${connection.key}`,
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
  };
  try {
    const response = await fetch(target, {
      method,
      headers,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { response, text: await response.text() };
  } catch (error) {
    throw new Unreachable(unreachable(connection, reasonOf(error)));
  }
}

/** fetch hides the reason in the cause; several addresses that failed have a code and no message. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

/** undefined if it is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
