/** Keys in a URL would reach access logs and histories (P-1.2): such a request is refused before anything else. */
import type { FastifyRequest } from 'fastify';
import { Refusal } from './refusal.ts';

const NAMES = new Set(['key', 'apikey', 'api_key', 'api-key', 'token', 'access_token']);

export async function refuseKeyInUrl(request: FastifyRequest): Promise<void> {
  const query = request.url.indexOf('?');
  if (query < 0) return;
  for (const [name, value] of new URLSearchParams(request.url.slice(query))) {
    if (!NAMES.has(name.toLowerCase()) && !value.startsWith('sbx_')) continue;
    throw new Refusal(
      'key-in-url',
      'Send the key in Authorization: Bearer and replace it: this URL may be in a log.',
    );
  }
}
