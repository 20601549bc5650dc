/** `/jobs`: commands to groups, how far they are, what became of them device by device; cancelling, going on. */
import type { FastifyRequest } from 'fastify';
import {
  DEFAULT_LIMIT,
  JobListSchema,
  JobOutcomeListSchema,
  JobPath,
  JobSchema,
  JobsQuery,
  reference,
} from '../../../schemas/api.ts';
import type { Job, JobDesk } from '../../hub/jobs/job.ts';
import type { Access } from '../access.ts';
import type { Api } from '../api.ts';
import type { AdminParts } from '../context.ts';
import { jobView, outcomeView } from '../job-view.ts';
import { answers } from '../openapi.ts';
import { readNumberCursor, writeNumberCursor } from '../paging.ts';
import { notFound } from '../refusal.ts';
import { idTarget, type Trail } from '../trail.ts';

const ONE = '/jobs/:id';

export function jobRoutes(api: Api, parts: AdminParts, access: Access, trail: Trail): void {
  listRoute(api, parts, access);
  readRoute(api, parts, access);
  outcomesRoute(api, parts, access);
  stepRoutes(api, parts, access, trail);
}

function listRoute(api: Api, { jobs }: AdminParts, access: Access): void {
  api.get(
    '/jobs',
    {
      schema: {
        summary: 'Jobs, newest first',
        tags: ['jobs'],
        querystring: JobsQuery,
        response: answers(200, reference(JobListSchema)),
      },
      onRequest: access.readers,
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const before = readNumberCursor(cursor, 'jobs');
      const { items, next } = await jobs.list(access.caller(request).customer, { before, limit });
      return { items: items.map(jobView), next: writeNumberCursor(next, 'jobs') };
    },
  );
}

function readRoute(api: Api, { jobs }: AdminParts, access: Access): void {
  api.get(
    ONE,
    {
      schema: {
        summary: 'One job and how far it is',
        tags: ['jobs'],
        params: JobPath,
        response: answers(200, reference(JobSchema), 'not-found'),
      },
      onRequest: access.readers,
    },
    async (request) => jobView(await findJob(jobs, access, request, request.params.id)),
  );
}

function outcomesRoute(api: Api, { jobs, commands }: AdminParts, access: Access): void {
  api.get(
    `${ONE}/devices`,
    {
      schema: {
        summary: 'What became of each device of a job, in the order of their turns',
        tags: ['jobs'],
        params: JobPath,
        querystring: JobsQuery,
        response: answers(200, reference(JobOutcomeListSchema), 'not-found'),
      },
      onRequest: access.readers,
    },
    async (request) => {
      const job = await findJob(jobs, access, request, request.params.id);
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const list = `devices of ${job.id}`;
      const from = readNumberCursor(cursor, list) ?? 0;
      const { items, next } = await jobs.outcomes(job, { from, limit });
      return {
        items: items.map((outcome) =>
          outcomeView(job, outcome, outcome.command && commands.waitingFor(outcome.command)),
        ),
        next: writeNumberCursor(next, list),
      };
    },
  );
}

function stepRoutes(api: Api, { jobs }: AdminParts, access: Access, trail: Trail): void {
  const response = answers(200, reference(JobSchema), 'not-found', 'conflict');
  const done = (request: FastifyRequest, job: Job | null) => {
    if (!job) throw notFound('job');
    const { customer } = job.wish.select;
    trail.done(request, { customer, detail: { name: job.wish.name } });
    return jobView(job);
  };

  api.delete(
    ONE,
    {
      schema: {
        summary: 'Cancels a job',
        description: 'No further device gets it, and what waits is cancelled; what is accepted goes on.',
        tags: ['jobs'],
        params: JobPath,
        response,
      },
      onRequest: [trail.attempt('job.cancel', idTarget('job')), access.operators],
    },
    async (request) => {
      const { customer, keyId } = access.caller(request);
      return done(request, await jobs.cancel(customer, request.params.id, keyId));
    },
  );

  api.post(
    `${ONE}/resume`,
    {
      schema: { summary: 'Lets a halted job go on', tags: ['jobs'], params: JobPath, response },
      onRequest: [trail.attempt('job.resume', idTarget('job')), access.operators],
    },
    async (request) => {
      const { customer, keyId } = access.caller(request);
      return done(request, await jobs.resume(customer, request.params.id, keyId));
    },
  );
}

async function findJob(jobs: JobDesk, access: Access, request: FastifyRequest, id: string): Promise<Job> {
  const job = await jobs.find(access.caller(request).customer, id);
  if (!job) throw notFound('job');
  return job;
}
