/** `POST /commands`: one command for a group of devices; a dry run first, then a job. */
import { DryRunSchema, JobSchema, type NewJob, NewJobSchema, reference } from '../../../schemas/api.ts';
import { sees } from '../../access/caller.ts';
import type { Access } from '../access.ts';
import type { Api } from '../api.ts';
import type { AdminParts } from '../context.ts';
import { SELECTION_BYTES } from '../errors.ts';
import { jobView, jobWish } from '../job-view.ts';
import { answers } from '../openapi.ts';
import { notFound } from '../refusal.ts';
import { customerTarget, type Trail } from '../trail.ts';

const PROBLEMS = [
  'not-found',
  'args-too-large',
  'body-too-large',
  'unsupported-media-type',
  'too-many-jobs',
] as const;

export function groupCommandRoutes(api: Api, { jobs }: AdminParts, access: Access, trail: Trail): void {
  const target = customerTarget((body) => (body as Partial<NewJob> | undefined)?.select?.customer);
  api.post(
    '/commands',
    {
      bodyLimit: SELECTION_BYTES,
      schema: {
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
      onRequest: [trail.attempt('job.create', target), access.operators],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const { customer } = request.body.select;
      if (!sees(caller, customer)) throw notFound('customer');
      const wish = jobWish(request.body, caller.keyId);
      if (request.body.dryRun) {
        const devices = jobs.preview(wish.select).map((device) => `${customer}/${device}`);
        return reply.code(200).send({ dryRun: true, total: devices.length, devices });
      }
      const job = await jobs.create(wish);
      const detail = { job: job.id, name: wish.name, devices: job.targets.length };
      trail.done(request, { customer, detail, outcome: null, reference: `job ${job.id}` });
      return reply.code(201).send(jobView(job));
    },
  );
}
