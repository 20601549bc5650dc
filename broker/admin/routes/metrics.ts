/** `/metrics` for Prometheus; who may read it without an admin key is configuration (`server.metrics`). */
import type { FastifyRequest } from 'fastify';
import type { Access } from '../access.ts';
import type { Api } from '../api.ts';
import type { AdminParts } from '../context.ts';
import type { Metrics } from '../metrics.ts';

export function metricsRoutes(
  app: Api,
  { config, stats }: AdminParts,
  access: Access,
  metrics: Metrics,
): void {
  const { metrics: readableBy } = config.server;

  app.get(
    '/metrics',
    {
      schema: { hide: true },
      onRequest: async (request) => {
        if (readableBy === 'open' || (readableBy === 'loopback' && isLocal(request))) return;
        await access.admins(request);
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
