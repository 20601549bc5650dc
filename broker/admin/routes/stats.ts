/** `GET /stats`: what the broker tells of itself; the whole of it to admins. */
import { reference, StatsSchema } from '../../../schemas/api.ts';
import { statsFor } from '../../hub/stats.ts';
import type { Access } from '../access.ts';
import type { Api } from '../api.ts';
import type { AdminParts } from '../context.ts';
import { answers } from '../openapi.ts';

export function statsRoutes(api: Api, { stats, fleet }: AdminParts, access: Access): void {
  api.get(
    '/stats',
    {
      schema: {
        summary: 'Devices connected, rates, refusals, log, memory',
        tags: ['broker'],
        response: answers(200, reference(StatsSchema)),
      },
      onRequest: access.readers,
    },
    async (request) => statsFor(stats(), access.caller(request), fleet),
  );
}
