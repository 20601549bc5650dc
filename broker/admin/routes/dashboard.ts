/** The built dashboard at `/`. Assets carry a hash in their name and are kept for ever; pages are asked for again. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Api, PAGE_POLICY } from '../context.ts';

const MISSING = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Signalbox</title>
<h1>Signalbox is running</h1>
<p>The dashboard is not built. In a checkout, <code>npm run build</code> builds it; then start the broker again.</p>
<p>The HTTP API is documented at <a href="/api/docs">/api/docs</a>.</p>
</html>
`;

/** `folder`: the built dashboard; null: there is none. */
export async function dashboardRoutes(app: Api, folder: string | null): Promise<void> {
  if (folder === null || !existsSync(join(folder, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, async (_request, reply) =>
      reply.header('content-security-policy', PAGE_POLICY).type('text/html; charset=utf-8').send(MISSING),
    );
    return;
  }
  await app.register(async (pages: Api) => {
    pages.addHook('onRequest', pageHeaders);
    // A route for each file, so that other paths are not found in the API's words.
    await pages.register(fastifyStatic, { root: folder, wildcard: false, cacheControl: false });
  });
}

async function pageHeaders(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const keep = request.url.startsWith('/assets/');
  reply.headers({
    'content-security-policy': PAGE_POLICY,
    'cache-control': keep ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
}
