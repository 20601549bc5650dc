/** Answers 405 with `Allow` on paths that are there, for the methods that they do not have (RFC 9110, 15.5.6). */
import type { Api } from './api.ts';
import { Refusal } from './refusal.ts';

/** Collects the paths of routes that are added from now on; what comes back adds the answers for the other methods. */
export function collectPaths(app: Api): () => void {
  const paths = new Set<string>();
  app.addHook('onRoute', ({ url }) => void paths.add(url));
  return () => {
    for (const path of [...paths]) refuseOthers(app, path);
  };
}

function refuseOthers(app: Api, url: string): void {
  const has = (method: string) => app.hasRoute({ method, url });
  const allowed = app.supportedMethods.filter(has).join(', ');
  app.route({
    url,
    method: app.supportedMethods.filter((method) => !has(method)),
    schema: { hide: true },
    // Before the body is read: what it holds does not matter.
    onRequest: async (_request, reply) => {
      reply.header('allow', allowed);
      throw new Refusal('method-not-allowed', `Use one of ${allowed}.`);
    },
    handler: async () => {
      throw new Error('The hook has answered.');
    },
  });
}
