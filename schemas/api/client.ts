/**
 * The one client of the HTTP API, for the command line, the simulator and the dashboard: openapi-fetch with the types
 * that are generated from the OpenAPI document (`paths.ts`). What is not a broker's good answer rejects, as `ApiRefusal`
 * or `ApiUnreachable`; a call whose `signal` is aborted rejects with what aborted it. A page that the broker serves
 * gives no key, for its cookie speaks for it, and `''` as the address.
 *
 *     const device = await answerOf(api.GET('/devices/{customer}/{device}', { params: { path: { customer, device } } }));
 */
import createClient, { type Client } from 'openapi-fetch';
import type { Problem } from '../problems.ts';
import type { paths } from './paths.ts';

export type ApiClient = Client<paths>;

export interface ApiAddress {
  /** Of the broker, without a slash at its end. */
  readonly url: string;
  readonly key?: string;
}

/** The broker said something else than what was asked for: a problem, or what no broker says. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  /** null: it is no problem document, so this may be another kind of server. */
  readonly problem: Pick<Problem, 'code' | 'title' | 'detail'> | null;
  /** Where a redirect points. */
  readonly location: string | null;

  constructor(status: number, text: string, location: string | null = null) {
    const problem = problemIn(text);
    super(problem ? `${problem.title}: ${problem.detail}` : `The answer is ${status}, and not a broker's.`);
    this.status = status;
    this.problem = problem;
    this.location = location;
  }
}

/** No answer came; another try may bring one. The message is the reason. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
}

/** How long an answer may take; ms. */
const ANSWER_WITHIN = 30_000;

/** Redirects are not followed: the key is for this broker only. */
export function createApi({ url, key }: ApiAddress): ApiClient {
  return createClient<paths>({
    baseUrl: `${url}/api/v1`,
    redirect: 'manual',
    fetch: send,
    ...(key !== undefined && { headers: { Authorization: `Bearer ${key}` } }),
  });
}

/** What a call brings; for one whose answer is empty, undefined. */
export async function answerOf<Answer>(call: Promise<{ readonly data?: Answer }>): Promise<Answer> {
  const { data } = await call;
  // There is data where the document says so: everything else has rejected (`send`).
  return data as Answer;
}

async function send(request: Request): Promise<Response> {
  const { response, text } = await sendAndRead(request);
  if (!response.ok || (text !== '' && parsed(text) === undefined)) {
    throw new ApiRefusal(response.status, text, response.headers.get('location'));
  }
  return new Response(text === '' ? null : text, response);
}

async function sendAndRead(request: Request): Promise<{ response: Response; text: string }> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(ANSWER_WITHIN)]);
  try {
    const response = await fetch(request, { signal });
    return { response, text: await response.text() };
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ApiUnreachable(reasonOf(error), { cause: error });
  }
}

/** fetch hides the reason in the cause; several addresses that failed have a code and no message. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

function problemIn(text: string): ApiRefusal['problem'] {
  const { code, title, detail } = (parsed(text) ?? {}) as Partial<Problem>;
  return code && title && detail ? { code, title, detail } : null;
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
