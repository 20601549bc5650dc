/** Jobs in words, for a terminal. Pure. */
import type { Job, JobOutcome } from '../../schemas/api/jobs.ts';
import { age, moment, printable, shown, table } from './output.ts';

export function jobTable(jobs: readonly Job[], now: number): string {
  if (jobs.length === 0) return 'No jobs.';
  const rows = jobs.map((job) => [
    job.id,
    job.customer,
    job.name,
    job.status,
    age(job.createdAt, now),
    job.by,
    counts(job),
  ]);
  return table(['ID', 'CUSTOMER', 'NAME', 'STATUS', 'CREATED', 'BY', 'DEVICES'], rows);
}

export function jobText(job: Job): string {
  const lines: readonly (readonly [string, string])[] = [
    ['job', job.id],
    ['customer', job.customer],
    ['name', job.name],
    ['args', shown(job.args)],
    ['status', job.reason === null ? job.status : `${job.status}: ${job.reason}`],
    ['by', job.by],
    ['created', moment(job.createdAt)],
    ['ended', moment(job.endedAt)],
    ['canary', String(job.canary)],
    ['rate', job.rate === null ? 'as fast as it goes' : `${job.rate} devices a second`],
    [
      'halts',
      job.haltShare === null
        ? 'never'
        : `when more than ${Number((job.haltShare * 100).toPrecision(6))} % fail`,
    ],
    ['devices', counts(job)],
  ];
  return lines.map(([name, value]) => `${name.padEnd(10)} ${printable(value)}`).join('\n');
}

export function outcomeTable(outcomes: readonly JobOutcome[]): string {
  const rows = outcomes.map(({ device, status, reason, command }) => [
    device,
    status,
    command?.id ?? '-',
    reason ?? command?.waitingFor ?? (command?.result === undefined ? '-' : shown(command.result)),
  ]);
  return table(['DEVICE', 'STATUS', 'COMMAND', 'WHY, OR RESULT'], rows);
}

/** `job j1 running: 3 of 10 done, 1 failed, 6 waiting` */
export function progressLine(job: Job): string {
  const reason = job.reason === null ? '' : ` (${job.reason})`;
  return `job ${job.id} ${job.status}: ${counts(job)}${reason}`;
}

/** Why the exit code is not 0. */
export function jobEnding(job: Job): string {
  const hint = job.status === 'halted' ? ` Go on with: signalbox job resume ${job.id}` : '';
  return printable(`Not all devices are done: ${progressLine(job)}.${hint}`);
}

function counts({ total, waiting, status, counts: { done = 0, ...others } }: Job): string {
  const turnless = status === 'cancelled' ? 'skipped' : 'waiting';
  const rest = Object.entries({ ...others, [turnless]: waiting }).filter(([, count]) => count > 0);
  return [`${done} of ${total} done`, ...rest.map(([name, count]) => `${count} ${name}`)].join(', ');
}
