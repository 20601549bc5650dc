/**
 * Outcomes that a kill took from the audit: a command or a job is saved with its end, the audit hears of it a moment later.
 * Looked for once, at a start, among the newest entries.
 */

import type { CommandService } from '../commands/commands.ts';
import type { JobService } from '../jobs/jobs.ts';
import { type Audit, WHOLE_AUDIT } from './audit.ts';

export interface UnsettledParts {
  readonly audit: Pick<Audit, 'list' | 'settle'>;
  readonly commands: Pick<CommandService, 'find'>;
  readonly jobs: Pick<JobService, 'find'>;
}

/** Entries looked at; an end that is older than so many is not looked for. */
const NEWEST = 500;

/** Resolves when every outcome that is known has been passed on. */
export async function settleAgain(parts: UnsettledParts): Promise<void> {
  const { items } = await parts.audit.list({ ...WHOLE_AUDIT, limit: NEWEST });
  const open = items.flatMap(({ outcome, reference }) => (outcome === null && reference ? [reference] : []));
  await Promise.all(open.map((reference) => settleOne(parts, reference)));
}

async function settleOne(parts: UnsettledParts, reference: string): Promise<void> {
  const ended = await find(parts, reference);
  if (ended && ended.endedAt !== null) parts.audit.settle(reference, ended.status);
}

/** `reference`: `command acme/<id>` or `job <id>` (store/command-ports.ts). */
async function find({ commands, jobs }: UnsettledParts, reference: string) {
  const [, kind, customer = '*', id = ''] = /^(command|job) (?:([^/]+)\/)?([^/]+)$/.exec(reference) ?? [];
  if (kind === 'job') return jobs.find('*', id);
  const [command] = kind === 'command' ? await commands.find(customer, id) : [];
  return command ?? null;
}
