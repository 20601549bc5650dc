/** Calls of the broker's HTTP API with errors that a person can act on. */
import type { Problem } from '../../schemas/problems.ts';
import type { Connection } from './connection.ts';
import { CliError } from './output.ts';

export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** The answer's JSON; null for an empty one. Throws CliError. */
export async function call<Answer>(
  connection: Connection,
  path: string,
  options: Call = {},
): Promise<Answer> {
  const response = await send(connection, path, options);
  const text = await response.text();
  if (!response.ok) throw new CliError(explanation(response, text));
  return (text === '' ? null : JSON.parse(text)) as Answer;
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
      query: { ...query, cursor: cursor ?? undefined },
    });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

async function send(
  { url, key }: Connection,
  path: string,
  { method = 'GET', query, body }: Call,
): Promise<Response> {
  const target = new URL(`${url}/api/v1${path}`);
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) target.searchParams.set(name, value);
  const headers = { 'X-API-Key': key, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) };
  try {
    return await fetch(target, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CliError(`No broker answers at ${url} (${cause}). Is it running? Set --url or SIGNALBOX_URL.`);
  }
}

function explanation(response: Response, text: string): string {
  if (!response.headers.get('content-type')?.includes('problem+json')) {
    return `${response.url} answered ${response.status}, and not as a Signalbox broker does.`;
  }
  const { title, detail } = JSON.parse(text) as Problem;
  return `${title}: ${detail}`;
}
