/**
 * Serves `POST /commands`, which sends a command to a group of devices as a job, or only tells who would get it; and
 * `/jobs`: lists jobs, shows how far one is and what became of each device, cancels it, and lets a halted one go on.
 * Turns bodies into requests of the hub, and jobs into the API's.
 */
import type { FastifyRequest } from 'fastify';
import {
  DEFAULT_LIMIT,
  DryRunSchema,
  JobListSchema,
  JobOutcomeListSchema,
  type JobOutcomeView,
  JobPath,
  JobSchema,
  JobsQuery,
  type JobView,
  type NewJob,
  NewJobSchema,
  reference,
} from '../../../schemas/api.ts';
import { sees } from '../../access/caller.ts';
import { commandView } from '../../hub/commands/command.ts';
import type { DeviceSelection, Job, JobOutcome, JobRequest } from '../../hub/jobs/job.ts';
import { parseValue, toJson } from '../../hub/json.ts';
import type { Access } from '../access.ts';
import { type AuditHooks, customerTarget, idTarget } from '../audit-hooks.ts';
import { SELECTION_BYTES } from '../errors.ts';
import { answers } from '../openapi.ts';
import { readNumberCursor, writeNumberCursor } from '../paging.ts';
import type { AdminParts, Api } from '../parts.ts';
import { notFound } from '../refusal.ts';
import { ttlOf } from './commands.ts';

const PROBLEMS = [
  'not-found',
  'args-too-large',
  'body-too-large',
  'unsupported-media-type',
  'too-many-jobs',
] as const;

export function groupCommandRoutes(api: Api, { jobs }: AdminParts, access: Access, hooks: AuditHooks): void {
  const target = customerTarget((body) => (body as Partial<NewJob> | undefined)?.select?.customer);
  api.post(
    '/commands',
    {
      bodyLimit: SELECTION_BYTES,
      schema: {
        operationId: 'sendGroupCommand',
        summary: 'Sends a command to a group',
        description:
          'With `dryRun` only tells who would get it. Otherwise a job does it, and goes on after a restart.',
        tags: ['jobs'],
        body: reference(NewJobSchema),
        response: {
          ...answers(201, reference(JobSchema), ...PROBLEMS),
          200: { ...reference(DryRunSchema), description: 'A dry run: who would get it.' },
        },
      },
      onRequest: [hooks.attempt('job.create', target), access.allow('operate')],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const { customer } = request.body.select;
      if (!sees(caller, customer)) throw notFound('customer');
      const asked = readJobRequest(request.body, caller.keyId);
      if (request.body.dryRun) {
        const devices = jobs.preview(asked.select).map((device) => `${customer}/${device}`);
        return reply.code(200).send({ dryRun: true, total: devices.length, devices });
      }
      const job = await jobs.create(asked);
      const detail = { job: job.id, name: asked.name, devices: job.targets.length };
      hooks.done(request, { customer, detail, outcome: null, reference: `job ${job.id}` });
      return reply.code(201).send(jobView(job));
    },
  );
}

function jobView(job: Job): JobView {
  const { request, targets, issued } = job;
  return {
    id: job.id,
    customer: request.select.customer,
    name: request.name,
    args: toJson(request.args),
    status: job.status,
    reason: job.reason,
    createdAt: job.createdAt,
    endedAt: job.endedAt,
    by: request.by,
    total: targets.length,
    waiting: targets.length - issued,
    canary: request.canary,
    rate: request.rate,
    haltShare: request.haltShare,
    counts: { ...job.counts } as Record<string, number>,
  };
}

/** `waitingFor`: as of its command. */
function outcomeView(job: Job, outcome: JobOutcome, waitingFor: string | null): JobOutcomeView {
  const { device, status, reason, command } = outcome;
  return {
    device: `${job.request.select.customer}/${device}`,
    status,
    reason,
    command: command && commandView(command, waitingFor),
  };
}

function selectionOf({ customer, q, model, online, devices }: NewJob['select']): DeviceSelection {
  return { customer, q: q ?? null, model: model ?? null, online: online ?? null, devices: devices ?? null };
}

/** Throws HubRefusal for arguments outside the profile. */
function readJobRequest(body: NewJob, by: string): JobRequest {
  const { name, args = null, ttl, supersede = null, canary = 0, rate = null, haltShare = null } = body;
  return {
    select: selectionOf(body.select),
    name,
    args: parseValue(args, 'body.args'),
    ttl: ttlOf(ttl),
    supersede,
    canary,
    rate,
    haltShare,
    by,
  };
}

const ONE = '/jobs/:id';

export function jobRoutes(api: Api, parts: AdminParts, access: Access, hooks: AuditHooks): void {
  listRoute(api, parts, access);
  readRoute(api, parts, access);
  outcomesRoute(api, parts, access);
  stepRoutes(api, parts, access, hooks);
}

function listRoute(api: Api, { jobs }: AdminParts, access: Access): void {
  api.get(
    '/jobs',
    {
      schema: {
        operationId: 'listJobs',
        summary: 'Jobs, newest first',
        tags: ['jobs'],
        querystring: JobsQuery,
        response: answers(200, reference(JobListSchema)),
      },
      onRequest: access.allow('read'),
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
        operationId: 'getJob',
        summary: 'One job and how far it is',
        tags: ['jobs'],
        params: JobPath,
        response: answers(200, reference(JobSchema), 'not-found'),
      },
      onRequest: access.allow('read'),
    },
    async (request) => jobView(await findJob(jobs, access, request, request.params.id)),
  );
}

function outcomesRoute(api: Api, { jobs, commands }: AdminParts, access: Access): void {
  api.get(
    `${ONE}/devices`,
    {
      schema: {
        operationId: 'listJobOutcomes',
        summary: 'What became of each device of a job, in the order of their turns',
        tags: ['jobs'],
        params: JobPath,
        querystring: JobsQuery,
        response: answers(200, reference(JobOutcomeListSchema), 'not-found'),
      },
      onRequest: access.allow('read'),
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

function stepRoutes(api: Api, { jobs }: AdminParts, access: Access, hooks: AuditHooks): void {
  const response = answers(200, reference(JobSchema), 'not-found', 'conflict');
  const done = (request: FastifyRequest, job: Job | null) => {
    if (!job) throw notFound('job');
    const { customer } = job.request.select;
    hooks.done(request, { customer, detail: { name: job.request.name } });
    return jobView(job);
  };

  api.delete(
    ONE,
    {
      schema: {
        operationId: 'cancelJob',
        summary: 'Cancels a job',
        description: 'No further device gets it, and what waits is cancelled; what is accepted goes on.',
        tags: ['jobs'],
        params: JobPath,
        response,
      },
      onRequest: [hooks.attempt('job.cancel', idTarget('job')), access.allow('operate')],
    },
    async (request) => {
      const { customer, keyId } = access.caller(request);
      return done(request, await jobs.cancel(customer, request.params.id, keyId));
    },
  );

  api.post(
    `${ONE}/resume`,
    {
      schema: {
        operationId: 'resumeJob',
        summary: 'Lets a halted job go on',
        tags: ['jobs'],
        params: JobPath,
        response,
      },
      onRequest: [hooks.attempt('job.resume', idTarget('job')), access.allow('operate')],
    },
    async (request) => {
      const { customer, keyId } = access.caller(request);
      return done(request, await jobs.resume(customer, request.params.id, keyId));
    },
  );
}

async function findJob(
  jobs: AdminParts['jobs'],
  access: Access,
  request: FastifyRequest,
  id: string,
): Promise<Job> {
  const job = await jobs.find(access.caller(request).customer, id);
  if (!job) throw notFound('job');
  return job;
}
