/** `/api/openapi.json`, and the same to read at `/api/docs`. Served from here alone: it works without the internet. */
import swaggerUi from '@fastify/swagger-ui';
import type { Api } from '../api.ts';
import { DOCS_POLICY } from '../security-headers.ts';

export async function docsRoutes(app: Api): Promise<void> {
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger());

  await app.register(swaggerUi, {
    routePrefix: '/api/docs',
    staticCSP: DOCS_POLICY,
    // The default asks a server on the internet whether the document is valid.
    uiConfig: { validatorUrl: null, deepLinking: true, docExpansion: 'list' },
    theme: { title: 'Signalbox API' },
  });
}
