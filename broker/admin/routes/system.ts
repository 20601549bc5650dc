/**
 * Serves what is about the broker itself. Without a key: `/livez` (the process runs), `/readyz` (it takes devices in),
 * `/api/openapi.json`, and the same to read at `/api/docs`, which works without the internet. With a key: `/stats`.
 * `server.metrics` says who reads `/metrics` without an admin's key. Plain requests to the addresses that speak
 * WebSocket (P-1.5) get 426 and what to do; the edge takes the upgrades.
 */
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyRequest } from 'fastify';
import { reference, StatsSchema } from '../../../schemas/api.ts';
import { problem } from '../../../schemas/problems.ts';
import { statsFor } from '../../hub/stats.ts';
import type { Access } from '../access.ts';
import type { Metrics } from '../metrics.ts';
import { answers } from '../openapi.ts';
import type { AdminParts, Api } from '../parts.ts';
import { Refusal, sendProblem } from '../refusal.ts';
import { DOCS_POLICY } from '../security-headers.ts';

export function statsRoutes(api: Api, { stats, fleet }: AdminParts, access: Access): void {
  api.get(
    '/stats',
    {
      schema: {
        operationId: 'getStats',
        summary: 'Devices connected, rates, refusals, log, memory',
        tags: ['broker'],
        response: answers(200, reference(StatsSchema)),
      },
      onRequest: access.allow('read'),
    },
    async (request) => statsFor(stats(), access.caller(request), fleet),
  );
}

export function metricsRoutes(
  app: Api,
  { config, stats }: AdminParts,
  access: Access,
  metrics: Metrics,
): void {
  const { metrics: readableBy } = config.server;
  const administrators = access.allow('administer');

  app.get(
    '/metrics',
    {
      schema: { hide: true },
      onRequest: async (request) => {
        if (readableBy === 'open' || (readableBy === 'loopback' && isLocal(request))) return;
        await administrators(request);
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.scrape(stats())),
  );
}

/** A proxy on this machine speaks for others: what it passes on is not local. */
function isLocal({ ip, headers }: FastifyRequest): boolean {
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  return ip === '::1' || /^(::ffff:)?127\./.test(ip);
}

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

const PATHS = {
  '/v1/device': 'Devices open this address as a WebSocket with the subprotocol signalbox.v1.',
  '/v1/live': 'Operators open this address as a WebSocket; see the documentation of the live channel.',
} as const;

export function websocketRoutes(app: Api): void {
  for (const [path, detail] of Object.entries(PATHS)) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      reply.headers({ upgrade: 'websocket', connection: 'upgrade' });
      throw new Refusal('upgrade-required', detail);
    });
  }
}

export function healthRoutes(app: Api, { readiness }: AdminParts): void {
  app.get('/livez', { schema: { hide: true } }, async () => ({ status: 'ok' }));

  app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const { ready, reason } = readiness();
    if (ready) return reason === undefined ? { status: 'ready' } : { status: 'degraded', reason };
    return sendProblem(
      reply,
      problem('not-ready', `The broker takes no devices now: ${reason ?? 'no reason given'}.`),
    );
  });
}
