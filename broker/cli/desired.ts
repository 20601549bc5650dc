/** `signalbox desired CUSTOMER/DEVICE`: what a device should be like, what it says it is, and changing the former. */
import { Command, Option } from 'commander';
import type { Documents } from '../../schemas/api/desired.ts';
import { type Call, type ConnectionOptions, call, connection, withConnection } from './http.ts';
import {
  age,
  CliError,
  deviceName,
  jsonObject,
  print,
  printable,
  shown,
  table,
  wholeNumber,
} from './output.ts';

interface DesiredOptions extends ConnectionOptions {
  readonly set?: object;
  readonly patch?: object;
  readonly ifVersion?: number;
}

export function desiredCommand(): Command {
  return withConnection(new Command('desired'))
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
      const { customer, device } = deviceName(name);
      const path = `/devices/${customer}/${device}/desired`;
      const documents = await call<Documents>(connection(options), path, change(options));
      print(options, documents, () => page(documents, Date.now()));
    });
}

function change({ set, patch, ifVersion }: DesiredOptions): Call {
  const body = set ?? patch;
  if (body === undefined && ifVersion === undefined) return {};
  if (body === undefined) throw new CliError('--if-version goes with --set or --patch.', 2);
  const method = set === undefined ? 'PATCH' : 'PUT';
  return { method, body, ...(ifVersion !== undefined && { ifMatch: `"${ifVersion}"` }) };
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
