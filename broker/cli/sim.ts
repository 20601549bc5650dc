/**
 * Runs `signalbox sim …`: sends a simulated fleet's data, or recorded data, to a running broker, under keys that it
 * creates and revokes if it has an admin's. Shows the progress: a line that renews itself on a terminal, JSON lines
 * with --json, else nothing. Prints a report at the end.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { fleetKeys, KeysError } from '../../device-sim/keys.ts';
import { PROFILE_NAMES, type ProfileName } from '../../device-sim/profiles/index.ts';
import { type ReplayReport, replay } from '../../device-sim/replay.ts';
import { type LayoutOptions, ReplayError, TIME_FORMATS } from '../../device-sim/replay-layout.ts';
import { progressLine, type Report, reportText } from '../../device-sim/report.ts';
import { type FleetKey, simulate } from '../../device-sim/run.ts';
import { type AddressOptions, brokerAddress, withAddress } from './http.ts';
import { duration, positiveNumber, share, wholeNumber } from './options.ts';
import { CliError, printable } from './output.ts';

/** Shows the progress of a simulation until the returned function is called, which also clears the line. */
function showProgress(report: () => Report, { json }: { readonly json?: boolean }): () => void {
  if (json) {
    const timer = setInterval(() => console.log(JSON.stringify({ type: 'progress', ...report() })), 1000);
    return () => clearInterval(timer);
  }
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  const timer = setInterval(() => {
    stderr.write(`\r${progressLine(report()).slice(0, stderr.columns - 1)}\x1b[K`);
  }, 250);
  return () => {
    clearInterval(timer);
    stderr.write('\r\x1b[K');
  };
}

interface RunOptions extends AddressOptions {
  readonly customers: number;
  readonly devices: number;
  readonly rate: number;
  readonly duration?: number;
  readonly seed: number;
  readonly profile: readonly ProfileName[];
  readonly connects: number;
  readonly commandLatency: readonly [least: number, most: number];
  readonly commandFailures: number;
  readonly commandSilence: number;
}

interface ReplayOptions extends AddressOptions, LayoutOptions {
  readonly speed: number | 'max';
  readonly customer: string;
  readonly delimiter?: string;
}

/** Keys that nobody could revoke end this long after the last that is wanted of them; s. */
const KEY_SLACK = 3600;
const UNTIL_INTERRUPTED = 7 * 86_400;

export function simCommand(): Command {
  return new Command('sim')
    .description('Simulated devices, and recorded data.')
    .addCommand(runCommand())
    .addCommand(replayCommand());
}

function runCommand(): Command {
  return withAddress(new Command('run'))
    .description('A fleet of simulated devices, until the duration is over or Ctrl-C; then a report.')
    .option('--customers <n>', 'customers, sim-1 and so on; needs an admin key', wholeNumber(1, 100), 1)
    .option('--devices <n>', 'devices of each customer', wholeNumber(1, 20_000), 100)
    .option('--rate <n>', 'measurements a second and device', positiveNumber(1000), 1)
    .option('--duration <time>', 'how long, such as 30s (default: until Ctrl-C)', duration)
    .option('--seed <n>', 'the same seed simulates the same fleet', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--connects <n>', 'new connections a second', positiveNumber(10_000), 100)
    .addOption(
      new Option('--command-latency <range>', 'how long a command takes; ms')
        .argParser(range)
        .default([50, 500], '50..500'),
    )
    .option('--command-failures <share>', 'share of commands that fail, 0 to 1', share, 0)
    .option('--command-silence <share>', 'share of commands that are never answered, 0 to 1', share, 0)
    .addOption(
      new Option('--profile <names...>', 'kinds of devices').choices(PROFILE_NAMES).default(PROFILE_NAMES),
    )
    .action(async (options: RunOptions) => {
      const customers = Array.from({ length: options.customers }, (_, index) => `sim-${index + 1}`);
      const seconds = options.duration === undefined ? UNTIL_INTERRUPTED : Math.ceil(options.duration / 1000);
      const report = await withKeys(options, customers, seconds, (url, keys) => run(options, url, keys));
      finish(report, options);
    });
}

function replayCommand(): Command {
  return withAddress(new Command('replay'))
    .description('Send recorded data from a CSV file, with its own timestamps; then a report.')
    .argument('<file>', 'CSV with a line of column names; times without a zone are UTC')
    .option('--speed <n>', 'times as fast as recorded, or max', speed, 'max')
    .option('--customer <name>', 'whose data it is, with an admin key', 'replay')
    .option('--device-column <name>', 'column that names the device (default: device, station, location, …)')
    .option('--device <id>', 'all rows are of this device (default: the column, else the name of the file)')
    .option('--time-column <name>', 'column of the time (default: time, timestamp, date, …)')
    .addOption(new Option('--time-format <format>', 'default: recognised').choices(TIME_FORMATS))
    .option('--delimiter <character>', 'between cells (default: comma)')
    .action(async (path: string, options: ReplayOptions) => {
      const report = await withKeys(options, [options.customer], UNTIL_INTERRUPTED, (url, keys) =>
        play(path, options, url, keys),
      );
      for (const problem of report.badRowSamples) console.error(printable(problem));
      if (report.badRows > 0) console.error(`${report.badRows} of ${report.rows} rows were no good.`);
      finish(report, options);
    });
}

async function run(options: RunOptions, url: string, keys: readonly FleetKey[]): Promise<Report> {
  const { devices, rate, seed, profile: profiles, connects: connectsPerSecond } = options;
  const ends = options.duration === undefined ? {} : { duration: options.duration };
  const { commandLatency: latency, commandFailures: failures, commandSilence: silence } = options;
  const commands = { latency, failures, silence };
  const fleet = simulate({ url, keys, devices, rate, seed, profiles, connectsPerSecond, commands, ...ends });
  fleet.start();
  return until(
    fleet.finished,
    () => void fleet.stop(),
    () => fleet.report(),
    options,
  );
}

async function play(
  path: string,
  options: ReplayOptions,
  url: string,
  [key]: readonly FleetKey[],
): Promise<ReplayReport> {
  const recording = replay({ ...options, path, url, key: key?.key ?? '' });
  return until(
    recording.run(),
    () => recording.stop(),
    () => recording.report(),
    options,
  );
}

/** Shows how it goes until it is over; Ctrl-C ends it early, a second one without waiting for acknowledgements. */
async function until<Outcome>(
  finished: Promise<Outcome>,
  stop: () => void,
  report: () => Report,
  options: AddressOptions,
): Promise<Outcome> {
  const hide = showProgress(report, options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  try {
    return await finished;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, stop);
    hide();
  }
}

/** With an admin key, keys for these customers that are gone afterwards; else the key as it is. */
async function withKeys<Outcome>(
  options: AddressOptions,
  customers: readonly string[],
  seconds: number,
  use: (url: string, keys: readonly FleetKey[]) => Promise<Outcome>,
): Promise<Outcome> {
  const { url, key } = brokerAddress(options);
  try {
    const { keys, revoke } = await fleetKeys({ url, key, customers, expiresIn: seconds + KEY_SLACK });
    try {
      return await use(url, keys);
    } finally {
      await revoke().catch(warnOfKeys);
    }
  } catch (error) {
    if (error instanceof KeysError || error instanceof ReplayError)
      throw new CliError(printable(error.message));
    throw error;
  }
}

/** The report matters more, and the keys end by themselves. */
function warnOfKeys(error: unknown): void {
  if (!(error instanceof KeysError)) throw error;
  console.error(`The keys of this simulation are not revoked: ${printable(error.message)}`);
}

/** Prints the report. Throws CliError if something was lost or refused. */
function finish(report: Report, { json }: AddressOptions): void {
  console.log(json ? JSON.stringify({ type: 'report', ...report }) : printed(reportText(report)));
  if (report.connected === 0) throw new CliError('No device was connected.');
  if (report.lost > 0) throw new CliError(`${report.lost} frames were not acknowledged.`);
  if (report.refused > 0) throw new CliError(`${report.refused} handshakes were refused.`);
}

/** The report, in which nothing that a broker said can steer the terminal. */
function printed(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** `50..500`, or one number for both. */
function range(text: string): [least: number, most: number] {
  const match = /^(\d{1,7})(?:\.\.(\d{1,7}))?$/.exec(text);
  const least = Number(match?.[1]);
  const most = Number(match?.[2] ?? match?.[1]);
  if (match && least <= most) return [least, most];
  throw new InvalidArgumentError('Expected milliseconds, such as 50..500.');
}

function speed(text: string): number | 'max' {
  return text === 'max' ? text : positiveNumber(1e9)(text);
}
