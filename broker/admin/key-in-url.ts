/** Keys in a URL would reach access logs and histories (P-1.2): such a request is refused before anything else. */
import type { FastifyRequest } from 'fastify';
import { Refusal } from './refusal.ts';

const NAMES = new Set(['key', 'apikey', 'api_key', 'api-key', 'token', 'access_token']);
/** A whole key in the path, where its id belongs; a device may be called `sbx_1`. */
const SECRET = /\bsbx_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}/;

export async function refuseKeyInUrl({ url }: FastifyRequest): Promise<void> {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  if (SECRET.test(path)) {
    throw new Refusal(
      'key-in-url',
      'Name a key by its id, the 8 characters after sbx_, and replace this one.',
    );
  }
  for (const [name, value] of new URLSearchParams(query)) {
    if (!NAMES.has(name.toLowerCase()) && !value.startsWith('sbx_')) continue;
    throw new Refusal(
      'key-in-url',
      'Send the key in Authorization: Bearer and replace it: this URL may be in a log.',
    );
  }
}
