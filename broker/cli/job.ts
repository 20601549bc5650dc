/**
 * Runs `signalbox job …`: commands to groups of devices. `create` chooses devices, shows who would get it or sends it,
 * and tells with `--wait` how far it is; the others list, show, cancel and resume jobs, in words for a terminal.
 */
import { Command, Option } from 'commander';
import type { JobOutcomeView, JobView, NewJob } from '../../schemas/api/jobs.ts';
import {
  type AddressOptions,
  type BrokerAddress,
  brokerAddress,
  call,
  callList,
  defined,
  withAddress,
} from './http.ts';
import { json, ttl as lifetime, positiveNumber, share, wholeNumber } from './options.ts';
import { age, CliError, moment, print, printable, printMore, shown, table } from './output.ts';
import { pause, untilInterrupted } from './waiting.ts';

interface CreateJobOptions extends AddressOptions {
  readonly customer: string;
  readonly q?: string;
  readonly model?: string;
  readonly online?: true;
  readonly offline?: true;
  readonly device?: readonly string[];
  readonly args?: unknown;
  readonly ttl?: number;
  readonly supersede?: string;
  readonly canary?: number;
  readonly rate?: number;
  readonly haltShare?: number;
  readonly dryRun?: true;
  readonly wait?: true;
}

/** Between two looks at a job; ms. */
const FIRST_LOOK = 200;
const LONGEST_LOOK = 2000;

function createJobCommand(): Command {
  return withAddress(new Command('create'))
    .description('Send a command to all devices that the options find.')
    .argument('<name>', 'what the devices are asked to do')
    .requiredOption('--customer <name>', 'whose devices')
    .option('--q <part>', 'only those with this in their id')
    .option('--model <model>', 'only those of this model')
    .option('--online', 'only those that are connected')
    .addOption(new Option('--offline', 'only those that are not').conflicts('online'))
    .option('--device <id>', 'only this one; may be given again', collect)
    .option('--args <json>', 'the arguments', json)
    .option('--ttl <duration>', 'how long each command lives, from its turn on', lifetime)
    .option('--supersede <word>', 'waiting commands with the same word are cancelled')
    .option('--canary <n>', 'so many first; the rest when all of these are done', wholeNumber(0, 20_000))
    .option('--rate <n>', 'devices a second', positiveNumber())
    .option('--halt-share <share>', 'halt when more than this share fails', share)
    .option('--dry-run', 'only list who would get it')
    .option('--wait', 'follow it to its end; exits with 0 only if all are done')
    .action(create);
}

async function create(name: string, options: CreateJobOptions): Promise<void> {
  const to = brokerAddress(options);
  const body = bodyOf(name, options);
  const created = await call(to, (api) => api.POST('/commands', { body }));
  if ('dryRun' in created) {
    const { devices, total } = created;
    return print(options, created, () => [...devices, `${total} devices would get it.`].join('\n'));
  }
  const job = options.wait ? await follow(to, created, options) : created;
  print(options, job, () => jobText(job));
  if (options.wait && job.counts.done !== job.total) throw new CliError(jobEnding(job));
}

function bodyOf(name: string, options: CreateJobOptions): NewJob {
  const { customer, q, model, device, args, ttl, supersede, canary, rate, haltShare, dryRun } = options;
  const online = options.online ? true : options.offline ? false : undefined;
  const given = {
    args,
    ttl: ttl === undefined ? undefined : ttl / 1000,
    supersede,
    canary,
    rate,
    haltShare,
    dryRun,
  };
  return {
    select: { customer, ...defined({ q, model, online, devices: device && [...device] }) },
    name,
    ...defined(given),
  };
}

function collect(id: string, before: readonly string[] = []): readonly string[] {
  return [...before, id];
}

/** Prints how far it is whenever that changes; resolves at its end, or when it halts. */
function follow(to: BrokerAddress, created: JobView, options: CreateJobOptions): Promise<JobView> {
  const goesOn = `The job goes on without you: signalbox job show ${created.id}, or job cancel ${created.id}.`;
  return untilInterrupted(goesOn, async (signal) => {
    let job = created;
    let told = '';
    for (let wait = FIRST_LOOK; !signal.aborted; wait = Math.min(wait * 1.5, LONGEST_LOOK)) {
      const line = progressLine(job);
      if (line !== told && !options.json) console.error(printable(line));
      told = line;
      if (job.endedAt !== null || job.status === 'halted') break;
      await pause(wait, signal);
      job = await call(to, (api) => api.GET('/jobs/{id}', { ...ofJob(created.id), signal }));
    }
    return job;
  });
}

function jobTable(jobs: readonly JobView[], now: number): string {
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

function jobText(job: JobView): string {
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

function outcomeTable(outcomes: readonly JobOutcomeView[]): string {
  const rows = outcomes.map(({ device, status, reason, command }) => [
    device,
    status,
    command?.id ?? '-',
    reason ?? command?.waitingFor ?? (command?.result === undefined ? '-' : shown(command.result)),
  ]);
  return table(['DEVICE', 'STATUS', 'COMMAND', 'WHY, OR RESULT'], rows);
}

/** `job j1 running: 3 of 10 done, 1 failed, 6 waiting` */
export function progressLine(job: JobView): string {
  const reason = job.reason === null ? '' : ` (${job.reason})`;
  return `job ${job.id} ${job.status}: ${counts(job)}${reason}`;
}

/** Why the exit code is not 0. */
function jobEnding(job: JobView): string {
  const hint = job.status === 'halted' ? ` Go on with: signalbox job resume ${job.id}` : '';
  return printable(`Not all devices are done: ${progressLine(job)}.${hint}`);
}

function counts({ total, waiting, status, counts: { done = 0, ...others } }: JobView): string {
  const turnless = status === 'cancelled' ? 'skipped' : 'waiting';
  const rest = Object.entries({ ...others, [turnless]: waiting }).filter(([, count]) => count > 0);
  return [`${done} of ${total} done`, ...rest.map(([name, count]) => `${count} ${name}`)].join(', ');
}

export function jobCommand(): Command {
  return new Command('job')
    .description('Commands to groups of devices.')
    .addCommand(createJobCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(devicesCommand())
    .addCommand(stepCommand('cancel', 'No further device gets it; what is accepted goes on.'))
    .addCommand(stepCommand('resume', 'Go on after a halt.'));
}

function listCommand(): Command {
  return withAddress(new Command('list'))
    .description('Jobs, newest first.')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(async (options: AddressOptions & { limit: number }) => {
      const params = { query: { limit: options.limit } };
      const { items, next } = await call(brokerAddress(options), (api) => api.GET('/jobs', { params }));
      print(options, items, () => jobTable(items, Date.now()));
      printMore(next !== null);
    });
}

function showCommand(): Command {
  return ofOne(new Command('show'))
    .description('One job and how far it is.')
    .action(async (id: string, options: AddressOptions) => {
      const job = await call(brokerAddress(options), (api) => api.GET('/jobs/{id}', ofJob(id)));
      print(options, job, () => jobText(job));
    });
}

function devicesCommand(): Command {
  return ofOne(new Command('devices'))
    .description('What became of each device of a job, in the order of their turns.')
    .action(async (id: string, options: AddressOptions) => {
      const outcomes = await callList(brokerAddress(options), (api, query) =>
        api.GET('/jobs/{id}/devices', { params: { path: { id }, query } }),
      );
      print(options, outcomes, () => outcomeTable(outcomes));
    });
}

function stepCommand(step: 'cancel' | 'resume', description: string): Command {
  return ofOne(new Command(step))
    .description(description)
    .action(async (id: string, options: AddressOptions) => {
      const job = await call(brokerAddress(options), (api) =>
        step === 'cancel' ? api.DELETE('/jobs/{id}', ofJob(id)) : api.POST('/jobs/{id}/resume', ofJob(id)),
      );
      print(options, job, () => jobText(job));
    });
}

function ofOne(command: Command): Command {
  return withAddress(command).argument('<id>', 'the job as `job list` names it');
}

function ofJob(id: string) {
  return { params: { path: { id } } };
}
