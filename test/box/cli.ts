/**
 * `npm run box`: runs many seeds, as many at a time as there are cores, and says what they found; or tells the story of one. Exits with 1
 * if there was a fault, with 2 for a call that it does not understand.
 *
 *   npm run box -- --seeds 1000 --hours 2      new seeds; `--from N`: those from N on
 *   npm run box -- --night 8                   new seeds for eight hours
 *   npm run box -- --replay 17 --hours 2       the end of the story of seed 17; `--trace`: all of it
 */
import './globals.ts';
import { availableParallelism } from 'node:os';
import { Command, CommanderError } from 'commander';
import { positiveNumber, wholeNumber } from '../../broker/cli/options.ts';
import { KINDS } from './blows.ts';
import { type Outcome, runPlan } from './box.ts';
import type { Fault } from './judges.ts';
import { planOf } from './plan.ts';
import { Pool } from './pool.ts';
import { shrink, textOfPlan } from './shrink.ts';
import { Tally } from './tally.ts';

interface Options {
  readonly seeds: number;
  readonly hours: number;
  readonly devices: number;
  readonly jobs: number;
  readonly from?: number;
  readonly night?: number | true;
  readonly replay?: string;
  readonly lines: number;
  readonly trace?: true;
  readonly shrink: number;
}

const MOST = Number.MAX_SAFE_INTEGER;

const say = (text: string) => void process.stdout.write(`${text}\n`);

const program = new Command('box')
  .description('Runs the whole broker on simulated time, threads, network and disk, and judges what it does.')
  .option('--seeds <count>', 'how many runs', wholeNumber(1, MOST), 100)
  .option('--hours <hours>', 'simulated hours of each run', positiveNumber(), 2)
  .option('--devices <count>', 'devices of each run', wholeNumber(1, 10_000), 20)
  .option('--from <seed>', 'the first seed; without it, new ones', wholeNumber(0, MOST))
  .option('--jobs <count>', 'runs at a time', wholeNumber(1, 1000), availableParallelism())
  .option('--night [hours]', 'new runs for so many real hours; 8 if it is not said', positiveNumber())
  .option(
    '--shrink <seconds>',
    'at most so long for the plan of each broken rule; 0: not',
    wholeNumber(0, MOST),
    60,
  )
  .option('--replay <seed>', 'tells the story of this seed')
  .option('--lines <count>', 'of the story: the last lines', wholeNumber(1, MOST), 100)
  .option('--trace', 'of the story: all lines')
  .allowExcessArguments(false)
  .showHelpAfterError('(run with --help for what is possible)')
  .exitOverride();

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  return options.replay === undefined ? runMany(options) : replay(options.replay, options);
}

/** The same text each time. */
async function replay(seed: string, options: Options): Promise<number> {
  const plan = planOf(seed, options.hours, KINDS, options.devices);
  const outcome = await runPlan(plan, options.trace ? { listener: say } : { traceLines: options.lines });
  for (const line of outcome.trace) say(line);
  say(
    `seed ${seed}: ${outcome.simulatedHours.toFixed(3)} h, ${outcome.happenings} happenings, ${outcome.starts} starts, ${outcome.kills} kills, digest ${outcome.digest}`,
  );
  for (const { judge, message } of outcome.faults) say(`fault: ${judge}: ${message}`);
  return outcome.faults.length > 0 ? 1 : 0;
}

async function runMany(options: Options): Promise<number> {
  const pool = new Pool();
  const tally = new Tally();
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const night = options.night === true ? 8 : (options.night ?? null);
  const count = night === null ? options.seeds : null;
  const first = options.from ?? Math.floor(Date.now() / 1000);
  say(
    `seeds from ${first} on, ${options.hours} h with ${options.devices} devices each, ${options.jobs} at a time`,
  );
  let next = first;
  const isOver = () => (night === null ? next >= first + options.seeds : seconds() >= night * 3600);
  const run = async () => {
    while (!isOver()) {
      const seed = String(next);
      next += 1;
      const outcome = await pool.run(planOf(seed, options.hours, KINDS, options.devices));
      tally.add(outcome);
      if (outcome.faults.length > 0) sayFault(outcome, options);
      sayProgress(tally, count, seconds());
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, run));
  say(tally.summary(seconds()));
  if (options.shrink > 0) await shrinkEach(tally.failed, options.shrink, pool);
  pool.close();
  return tally.failed.length > 0 ? 1 : 0;
}

function sayFault({ plan, faults }: Outcome, { hours, devices }: Options): void {
  const [fault] = faults;
  const others = devices === 20 ? '' : ` --devices ${devices}`;
  say(`seed ${plan.seed}: ${fault?.judge}: ${fault?.message}
  npm run box -- --replay ${plan.seed} --hours ${hours}${others}`);
}

/** On a terminal one line that changes; elsewhere one now and then. */
function sayProgress(tally: Tally, count: number | null, seconds: number): void {
  const line = tally.progress(count, seconds);
  if (process.stdout.isTTY) process.stdout.write(`\r${line}\x1b[K${tally.runs === count ? '\n' : ''}`);
  else if (tally.runs % Math.max(1, Math.ceil((count ?? 400) / 20)) === 0) say(line);
}

/** For each broken rule, the run that broke it soonest. */
async function shrinkEach(failed: readonly Outcome[], seconds: number, pool: Pool): Promise<void> {
  const soonest = new Map<string, Outcome>();
  for (const outcome of failed) {
    const { judge, at } = outcome.faults[0] as Fault;
    const known = soonest.get(judge)?.faults[0];
    if (!known || at < known.at) soonest.set(judge, outcome);
  }
  for (const [judge, outcome] of soonest) {
    say(`\nShrinking the weather of seed ${outcome.plan.seed} (${judge}), at most ${seconds} s:`);
    const end = performance.now() + seconds * 1000;
    const shrunk = await shrink(outcome, {
      run: (plan) => pool.run(plan),
      mayGoOn: () => performance.now() < end,
    });
    say(`${shrunk.runs} runs, ${outcome.plan.weather.length} blows became ${shrunk.plan.weather.length}:`);
    say(textOfPlan(shrunk));
  }
}

process.stdout.on('error', () => process.exit(1));
try {
  process.exit(await main());
} catch (error) {
  // Commander has said it already; it ends with 0 after help.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
