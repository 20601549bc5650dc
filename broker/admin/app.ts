/** Puts the HTTP side together: fastify with its rules first, then one file of routes a subject. */
import cookie from '@fastify/cookie';
import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import { API_SCHEMAS } from '../../schemas/api.ts';
import { problem } from '../../schemas/problems.ts';
import { Access } from './access.ts';
import { collectPaths } from './allowed-methods.ts';
import type { Api } from './api.ts';
import type { AdminParts } from './context.ts';
import { BODY_BYTES, errorHandler } from './errors.ts';
import { refuseKeyInUrl } from './key-in-url.ts';
import type { Metrics } from './metrics.ts';
import { swaggerOptions } from './openapi.ts';
import { ofProblem, sendProblem } from './refusal.ts';
import { auditRoutes } from './routes/audit.ts';
import { commandRoutes } from './routes/commands.ts';
import { customerRoutes } from './routes/customers.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { desiredRoutes } from './routes/desired.ts';
import { deviceCommandRoutes } from './routes/device-commands.ts';
import { deviceRoutes } from './routes/devices.ts';
import { docsRoutes } from './routes/docs.ts';
import { groupCommandRoutes } from './routes/group-commands.ts';
import { jobRoutes } from './routes/jobs.ts';
import { keyRoutes } from './routes/keys.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { sessionRoutes } from './routes/session.ts';
import { statsRoutes } from './routes/stats.ts';
import { healthRoutes } from './routes/system.ts';
import { websocketRoutes } from './routes/websocket.ts';
import { securityHeaders } from './security-headers.ts';
import { Trail } from './trail.ts';
import { refuseTrailingSlash } from './trailing-slash.ts';
import { serializerCompiler, validatorCompiler } from './validation.ts';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Ready to route requests; it never listens itself. */
export async function buildApp(parts: AdminParts, metrics: Metrics): Promise<Api> {
  const access = new Access(parts);
  const trail = new Trail(parts, access);
  const app = createApp(parts, trail);
  await app.register(cookie);
  await app.register(swagger, swaggerOptions(parts.stats().version));
  const refuseOtherMethods = collectPaths(app);
  await addRoutes(app, parts, { access, trail, metrics });
  refuseOtherMethods();
  await app.ready();
  return app;
}

function createApp({ config, logger }: AdminParts, trail: Trail): Api {
  const { trustedProxies } = config.server;
  const handleError = errorHandler(logger, trail);
  const app: Api = fastify({
    bodyLimit: BODY_BYTES,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    frameworkErrors: (error, request, reply) => handleError(error, request, reply),
  });
  app.setValidatorCompiler(validatorCompiler());
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(
      reply,
      problem('not-found', 'There is nothing at this path; the API is described at /api/docs.'),
    ),
  );
  readJsonOnly(app);
  app.addHook('onRequest', securityHeaders);
  app.addHook('onRequest', refuseTrailingSlash);
  for (const schema of API_SCHEMAS) app.addSchema(schema);
  return app;
}

/**
 * JSON bodies and no others; an empty one counts as none, as clients send it with DELETE. `__proto__` and `constructor`
 * come in as members like any other: closed schemas refuse them, and values do (`value-of-json.ts`), with their place.
 */
function readJsonOnly(app: Api): void {
  const parse = app.getDefaultJsonParser('ignore', 'ignore');
  app.removeAllContentTypeParsers();
  const types = ['application/json', 'application/merge-patch+json'];
  app.addContentTypeParser(types, { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else parse(request, body as string, done);
  });
}

interface Helpers {
  readonly access: Access;
  readonly trail: Trail;
  readonly metrics: Metrics;
}

async function addRoutes(app: Api, parts: AdminParts, { access, trail, metrics }: Helpers): Promise<void> {
  healthRoutes(app, parts);
  metricsRoutes(app, parts, access, metrics);
  websocketRoutes(app);
  await docsRoutes(app);
  await dashboardRoutes(app, parts.dashboardFolder);
  await app.register(
    async (api: Api) => {
      api.addHook('onRequest', refuseKeyInUrl);
      // After the key was looked at and before anything is changed, so that nothing is done by half.
      api.addHook('preHandler', async ({ method }) => {
        const problem = READS.has(method) ? null : parts.unwritable();
        if (problem) throw ofProblem(problem);
      });
      customerRoutes(api, parts, access);
      deviceRoutes(api, parts, access, trail);
      deviceCommandRoutes(api, parts, access, trail);
      commandRoutes(api, parts, access, trail);
      groupCommandRoutes(api, parts, access, trail);
      jobRoutes(api, parts, access, trail);
      desiredRoutes(api, parts, access, trail);
      auditRoutes(api, parts, access);
      keyRoutes(api, parts, access, trail);
      sessionRoutes(api, parts, access);
      statsRoutes(api, parts, access);
    },
    { prefix: '/api/v1' },
  );
}
