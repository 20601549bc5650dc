/** Answers 405 with `Allow` on paths that are there, for the methods that they do not have (RFC 9110, 15.5.6). */
import type { Api } from './api.ts';
import { Refusal } from './refusal.ts';

/** Collects the routes that are added from now on; the function that comes back adds the answers for the rest. */
export function collectMethods(app: Api): () => void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    for (const name of [method].flat()) known.add(name);
    methods.set(url, known);
  });
  return () => {
    for (const [url, allowed] of [...methods]) refuseOthers(app, url, [...allowed]);
  };
}

function refuseOthers(app: Api, url: string, allowed: readonly string[]): void {
  app.route({
    url,
    method: app.supportedMethods.filter((method) => !allowed.includes(method)),
    schema: { hide: true },
    // Before the body is read: what it holds does not matter.
    onRequest: async (_request, reply) => {
      reply.header('allow', allowed.join(', '));
      throw new Refusal('method-not-allowed', `Use ${allowed.join(' or ')}.`);
    },
    handler: async () => {
      throw new Error('The hook has answered.');
    },
  });
}
