/**
 * Puts the HTTP side together: fastify, the routes, one file a subject, and the built dashboard at `/`. Holds the rules
 * for every request: a method that a path does not have is answered 405 with `Allow` (RFC 9110, 15.5.6). A key in a URL
 * of the API is refused first, since URLs reach access logs and histories (P-1.2). A path with a slash at its end is
 * not found: some of them would name a thing whose id is empty. While nothing can be stored, only reading is let
 * through.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import cookie from '@fastify/cookie';
import fastifyStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { API_SCHEMAS } from '../../schemas/api.ts';
import { problem } from '../../schemas/problems.ts';
import { Access } from './access.ts';
import { AuditHooks } from './audit-hooks.ts';
import { BODY_BYTES, errorHandler } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { API_ROOT, serializerCompiler, swaggerOptions, validatorCompiler } from './openapi.ts';
import type { AdminParts, Api } from './parts.ts';
import { ofProblem, Refusal, sendProblem } from './refusal.ts';
import { auditRoutes } from './routes/audit.ts';
import { commandRoutes, deviceCommandRoutes } from './routes/commands.ts';
import { desiredRoutes } from './routes/desired.ts';
import { customerRoutes, deviceRoutes } from './routes/devices.ts';
import { groupCommandRoutes, jobRoutes } from './routes/jobs.ts';
import { keyRoutes } from './routes/keys.ts';
import { sessionRoutes } from './routes/session.ts';
import { docsRoutes, healthRoutes, metricsRoutes, statsRoutes, websocketRoutes } from './routes/system.ts';
import { PAGE_POLICY, securityHeaders } from './security-headers.ts';

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
async function dashboardRoutes(app: Api, folder: string | null): Promise<void> {
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

/** Collects the paths of routes that are added from now on; what comes back adds the answers for the other methods. */
function collectPaths(app: Api): () => void {
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

const NAMES = new Set(['key', 'apikey', 'api_key', 'api-key', 'token', 'access_token']);
/** A whole key in the path, where its id belongs; a device may be called `sbx_1`. */
const SECRET = /\bsbx_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}/;

async function refuseKeyInUrl({ url }: FastifyRequest): Promise<void> {
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

/** The readable page of the API's description has files below this path. */
const PAGES = '/api/docs/';

async function refuseTrailingSlash({ url }: FastifyRequest): Promise<void> {
  const path = url.split('?', 1)[0] ?? '/';
  if (path === '/' || !path.endsWith('/') || path.startsWith(PAGES)) return;
  throw new Refusal('not-found', 'There is nothing at this path; leave out the slash at its end.');
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Ready to route requests; it never listens itself. */
export async function buildApp(parts: AdminParts, metrics: Metrics): Promise<Api> {
  const access = new Access(parts);
  const hooks = new AuditHooks(parts, access);
  const app = createApp(parts, hooks);
  await app.register(cookie);
  await app.register(swagger, swaggerOptions(parts.stats().version));
  const refuseOtherMethods = collectPaths(app);
  await addRoutes(app, parts, { access, hooks, metrics });
  refuseOtherMethods();
  await app.ready();
  return app;
}

function createApp({ config, logger }: AdminParts, hooks: AuditHooks): Api {
  const { trustedProxies } = config.server;
  const handleError = errorHandler(logger, hooks);
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
 * come in as members like any other: closed schemas refuse them, and values do (`hub/json.ts`), with their place.
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
  readonly hooks: AuditHooks;
  readonly metrics: Metrics;
}

async function addRoutes(app: Api, parts: AdminParts, { access, hooks, metrics }: Helpers): Promise<void> {
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
      deviceRoutes(api, parts, access, hooks);
      deviceCommandRoutes(api, parts, access, hooks);
      commandRoutes(api, parts, access, hooks);
      groupCommandRoutes(api, parts, access, hooks);
      jobRoutes(api, parts, access, hooks);
      desiredRoutes(api, parts, access, hooks);
      auditRoutes(api, parts, access);
      keyRoutes(api, parts, access, hooks);
      sessionRoutes(api, parts, access);
      statsRoutes(api, parts, access);
    },
    { prefix: API_ROOT },
  );
}
