/**
 * A path with a slash at its end is another path, and there is nothing there. Without this some of them would name a
 * thing whose id is empty.
 */
import type { FastifyRequest } from 'fastify';
import { Refusal } from './refusal.ts';

/** The reader of the API's description has pages there. */
const PAGES = '/api/docs/';

export async function refuseTrailingSlash({ url }: FastifyRequest): Promise<void> {
  const path = url.split('?', 1)[0] ?? '/';
  if (path === '/' || !path.endsWith('/') || path.startsWith(PAGES)) return;
  throw new Refusal('not-found', 'There is nothing at this path; leave out the slash at its end.');
}
