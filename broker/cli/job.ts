/** `signalbox job …`: commands to groups of devices. `job-create.ts` has the options of a new one. */
import { Command } from 'commander';
import type { Job, JobOutcome } from '../../schemas/api/jobs.ts';
import { type ConnectionOptions, connection, withConnection } from './connection.ts';
import { call, callFirst, callList } from './http.ts';
import { createJobCommand } from './job-create.ts';
import { jobTable, jobText, outcomeTable } from './job-text.ts';
import { wholeNumber } from './numbers.ts';
import { print, printMore } from './output.ts';

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
  return withConnection(new Command('list'))
    .description('Jobs, newest first.')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(async (options: ConnectionOptions & { limit: number }) => {
      const { items, more } = await callFirst<Job>(connection(options), '/jobs', { limit: options.limit });
      print(options, items, () => jobTable(items, Date.now()));
      printMore(more);
    });
}

function showCommand(): Command {
  return ofOne(new Command('show'))
    .description('One job and how far it is.')
    .action(async (id: string, options: ConnectionOptions) => {
      const job = await call<Job>(connection(options), path(id));
      print(options, job, () => jobText(job));
    });
}

function devicesCommand(): Command {
  return ofOne(new Command('devices'))
    .description('What became of each device of a job, in the order of their turns.')
    .action(async (id: string, options: ConnectionOptions) => {
      const outcomes = await callList<JobOutcome>(connection(options), `${path(id)}/devices`);
      print(options, outcomes, () => outcomeTable(outcomes));
    });
}

function stepCommand(step: 'cancel' | 'resume', description: string): Command {
  return ofOne(new Command(step))
    .description(description)
    .action(async (id: string, options: ConnectionOptions) => {
      const job =
        step === 'cancel'
          ? await call<Job>(connection(options), path(id), { method: 'DELETE' })
          : await call<Job>(connection(options), `${path(id)}/resume`, { method: 'POST' });
      print(options, job, () => jobText(job));
    });
}

function ofOne(command: Command): Command {
  return withConnection(command).argument('<id>', 'the job as `job list` names it');
}

function path(id: string): string {
  return `/jobs/${encodeURIComponent(id)}`;
}
