/** `/livez`: the process runs. `/readyz`: it takes devices in. Plain, for load balancers; no key. */
import { problem } from '../../../schemas/problems.ts';
import type { Api } from '../api.ts';
import type { AdminParts } from '../context.ts';
import { sendProblem } from '../refusal.ts';

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
