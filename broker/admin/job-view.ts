/** Jobs and their outcomes as the HTTP API tells them, and what a body asks for. Pure. */
import type { Job as JobBody, NewJob, JobOutcome as OutcomeBody } from '../../schemas/api.ts';
import { commandView } from '../hub/commands/command-view.ts';
import type { Job, JobOutcome, JobWish, Selection } from '../hub/jobs/job.ts';
import { valueOfJson } from '../hub/json.ts';
import { jsonValue } from '../hub/json-value.ts';
import { ttlOf } from './command-wish.ts';

export function jobView(job: Job): JobBody {
  const { wish, targets, issued } = job;
  return {
    id: job.id,
    customer: wish.select.customer,
    name: wish.name,
    args: jsonValue(wish.args),
    status: job.status,
    reason: job.reason,
    createdAt: job.createdAt,
    endedAt: job.endedAt,
    by: wish.by,
    total: targets.length,
    waiting: targets.length - issued,
    canary: wish.canary,
    rate: wish.rate,
    haltShare: wish.haltShare,
    counts: { ...job.counts } as Record<string, number>,
  };
}

/** `waitingFor`: as of its command. */
export function outcomeView(job: Job, outcome: JobOutcome, waitingFor: string | null): OutcomeBody {
  const { device, status, reason, command } = outcome;
  return {
    device: `${job.wish.select.customer}/${device}`,
    status,
    reason,
    command: command && commandView(command, waitingFor),
  };
}

export function selectionOf({ customer, q, model, online, devices }: NewJob['select']): Selection {
  return { customer, q: q ?? null, model: model ?? null, online: online ?? null, devices: devices ?? null };
}

/** Throws HubRefusal for arguments outside the profile. */
export function jobWish(body: NewJob, by: string): JobWish {
  const { name, args = null, ttl, supersede = null, canary = 0, rate = null, haltShare = null } = body;
  return {
    select: selectionOf(body.select),
    name,
    args: valueOfJson(args, 'body.args'),
    ttl: ttlOf(ttl),
    supersede,
    canary,
    rate,
    haltShare,
    by,
  };
}
