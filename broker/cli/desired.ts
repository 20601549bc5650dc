/**
 * Runs `signalbox desired CUSTOMER/DEVICE`: prints what a device should be like and what it says it is, and changes the
 * former.
 */
import { Command, Option } from 'commander';
import type { ApiClient } from '../../schemas/api/client.ts';
import type { Documents } from '../../schemas/api/desired.ts';
import { type AddressOptions, brokerAddress, call, withAddress } from './http.ts';
import { deviceName, type JsonObject, jsonObject, wholeNumber } from './options.ts';
import { age, CliError, print, printable, shown, table } from './output.ts';

interface DesiredOptions extends AddressOptions {
  readonly set?: JsonObject;
  readonly patch?: JsonObject;
  readonly ifVersion?: number;
}

export function desiredCommand(): Command {
  return withAddress(new Command('desired'))
    .description('Desired and reported state of a device, and the difference; with an option, change it.')
    .argument('<customer/device>')
    .option('--set <json>', 'replace the desired state', jsonObject)
    .addOption(
      new Option('--patch <json>', 'change it in part; null takes a name away')
        .argParser(jsonObject)
        .conflicts('set'),
    )
    .option('--if-version <n>', 'only if this is its version; 0: there is none yet', wholeNumber(0, 2 ** 50))
    .action(async (name: string, options: DesiredOptions) => {
      const path = deviceName(name);
      const documents = await call(brokerAddress(options), (api) => ask(api, path, options));
      print(options, documents, () => page(documents, Date.now()));
    });
}

const PATH = '/devices/{customer}/{device}/desired';

async function ask(
  api: ApiClient,
  path: ReturnType<typeof deviceName>,
  { set, patch, ifVersion }: DesiredOptions,
): Promise<{ readonly data?: Documents }> {
  const header = ifVersion === undefined ? {} : { 'if-match': `"${ifVersion}"` };
  const params = { path, header };
  if (set) return api.PUT(PATH, { params, body: set });
  if (patch) return api.PATCH(PATH, { params, body: patch });
  if (ifVersion !== undefined) throw new CliError('--if-version goes with --set or --patch.', 2);
  return api.GET(PATH, { params: { path } });
}

function page({ device, desired, reported, difference, inSync, obstacle }: Documents, now: number): string {
  const wanted = desired
    ? `desired version ${desired.version}, set ${age(desired.at, now)} by ${desired.by}`
    : 'nothing is desired';
  const said = reported
    ? `reported version ${reported.version}, ${age(reported.at, now)}`
    : 'nothing is reported';
  const state = printable(`${device}: ${wanted}; ${said}; ${inSync ? 'in sync' : 'they differ'}`);
  const head = obstacle === undefined ? state : `${state}\nnot sent: ${printable(obstacle)}`;
  const names = [...new Set([...Object.keys(desired?.values ?? {}), ...Object.keys(reported?.values ?? {})])];
  const cell = (values: Record<string, unknown> | undefined, name: string) =>
    values && Object.hasOwn(values, name) ? shown(values[name]) : '-';
  const rows = names
    .sort()
    .map((name) => [
      name,
      cell(desired?.values, name),
      cell(reported?.values, name),
      Object.hasOwn(difference, name) ? 'differs' : '',
    ]);
  return rows.length === 0 ? head : `${head}\n\n${table(['NAME', 'DESIRED', 'REPORTED', ''], rows)}`;
}
