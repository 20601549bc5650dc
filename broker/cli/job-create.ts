/** `signalbox job create`: chooses devices, shows who would get it or sends it, and with `--wait` how far it is. */
import { Command, Option } from 'commander';
import type { Job, NewJob } from '../../schemas/api/jobs.ts';
import { type Connection, type ConnectionOptions, connection, withConnection } from './connection.ts';
import { call } from './http.ts';
import { jobEnding, jobText, progressLine } from './job-text.ts';
import { json } from './json-option.ts';
import { ttl as lifetime, positiveNumber, share, wholeNumber } from './numbers.ts';
import { CliError, print, printable } from './output.ts';
import { pause, untilInterrupted } from './wait.ts';

interface CreateOptions extends ConnectionOptions {
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

interface DryRun {
  readonly total: number;
  readonly devices: readonly string[];
}

/** Between two looks at a job; ms. */
const FIRST_LOOK = 200;
const LONGEST_LOOK = 2000;

export function createJobCommand(): Command {
  return withConnection(new Command('create'))
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
    .option('--rate <n>', 'devices a second', positiveNumber)
    .option('--halt-share <share>', 'halt when more than this share fails', share)
    .option('--dry-run', 'only list who would get it')
    .option('--wait', 'follow it to its end; exits with 0 only if all are done')
    .action(create);
}

async function create(name: string, options: CreateOptions): Promise<void> {
  const to = connection(options);
  const body = bodyOf(name, options);
  if (options.dryRun) {
    const run = await call<DryRun>(to, '/commands', { method: 'POST', body });
    return print(options, run, () => [...run.devices, `${run.total} devices would get it.`].join('\n'));
  }
  const created = await call<Job>(to, '/commands', { method: 'POST', body });
  const job = options.wait ? await follow(to, created, options) : created;
  print(options, job, () => jobText(job));
  if (options.wait && job.counts.done !== job.total) throw new CliError(jobEnding(job));
}

function bodyOf(name: string, options: CreateOptions): NewJob {
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

/** Without the members that nobody has given. */
function defined<Given extends object>(
  given: Given,
): { [Name in keyof Given]?: Exclude<Given[Name], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Given]?: Exclude<Given[Name], undefined> };
}

function collect(id: string, before: readonly string[] = []): readonly string[] {
  return [...before, id];
}

/** Prints how far it is whenever that changes; resolves at its end, or when it halts. */
function follow(to: Connection, created: Job, options: CreateOptions): Promise<Job> {
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
      job = await call<Job>(to, `/jobs/${encodeURIComponent(job.id)}`, { signal });
    }
    return job;
  });
}
