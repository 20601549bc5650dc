/** `signalbox device …`: list, show and forget devices. */
import { Command, Option } from 'commander';
import type { DeviceSummary as Device } from '../../schemas/api/devices.ts';
import { type ConnectionOptions, connection, withConnection } from './connection.ts';
import { call, callList } from './http.ts';
import { age, deviceName, moment, print, printable, table } from './output.ts';

interface ListOptions extends ConnectionOptions {
  readonly customer?: string;
  readonly online?: boolean;
  readonly offline?: boolean;
  readonly search?: string;
}

export function deviceCommand(): Command {
  return new Command('device')
    .description('The fleet.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(forgetCommand());
}

function listCommand(): Command {
  return withConnection(new Command('list'))
    .description('Devices with whether they are connected and how fresh their data is.')
    .option('--customer <name>', 'only those of this customer')
    .option('--online', 'only those that are connected')
    .addOption(new Option('--offline', 'only those that are not').conflicts('online'))
    .option('--search <text>', 'only those with this in their id')
    .action(async (options: ListOptions) => {
      const online = options.online ? 'true' : options.offline ? 'false' : undefined;
      const query = { customer: options.customer, q: options.search, online };
      const devices = await callList<Device>(connection(options), '/devices', query);
      print(options, devices, () => deviceTable(devices, Date.now()));
    });
}

function showCommand(): Command {
  return withConnection(new Command('show'))
    .description('One device.')
    .argument('<customer/device>')
    .action(async (name: string, options: ConnectionOptions) => {
      const { customer, device } = deviceName(name);
      const found = await call<Device>(connection(options), `/devices/${customer}/${device}`);
      print(options, found, () => description(found, Date.now()));
    });
}

function forgetCommand(): Command {
  return withConnection(new Command('forget'))
    .description('Remove a device and its last-known state, and end its connection.')
    .argument('<customer/device>')
    .action(async (name: string, options: ConnectionOptions) => {
      const { customer, device } = deviceName(name);
      await call(connection(options), `/devices/${customer}/${device}`, { method: 'DELETE' });
      print(options, { device: name, forgotten: true }, () => `${name} is forgotten.`);
    });
}

function deviceTable(devices: readonly Device[], now: number): string {
  if (devices.length === 0) return 'No devices.';
  const rows = devices.map((device) => [
    device.device,
    stateOf(device, now),
    age(device.lastSeenAt, now),
    age(device.lastDataAt, now),
    device.clock,
    device.model ?? '-',
  ]);
  return table(['DEVICE', 'STATE', 'LAST SEEN', 'LAST DATA', 'CLOCK', 'MODEL'], rows);
}

/** Asleep as it said, or overdue: it should have been back (P-7.5). */
function stateOf({ online, asleep }: Device, now: number): 'online' | 'offline' | 'asleep' | 'overdue' {
  if (online) return 'online';
  if (!asleep) return 'offline';
  return asleep.overdueAt !== null && now >= asleep.overdueAt ? 'overdue' : 'asleep';
}

function stateText(device: Device, now: number): string {
  const { presence, connectedAt, asleep } = device;
  const state = stateOf(device, now);
  if (state === 'online') return `online since ${moment(connectedAt)}`;
  const since = `${state} since ${moment(presence.since)}`;
  return asleep?.until ? `${since}, to be back at ${moment(asleep.until)}` : since;
}

function description(device: Device, now: number): string {
  const { presence } = device;
  const lines: readonly (readonly [string, string])[] = [
    ['device', device.device],
    ['state', stateText(device, now)],
    ['reason', presence.reason ?? '-'],
    ['session', presence.session ?? '-'],
    ['last seen', age(device.lastSeenAt, now)],
    ['last data', age(device.lastDataAt, now)],
    ['clock', device.clock],
    ['model', device.model ?? '-'],
    ['firmware', device.firmware ?? '-'],
    ['metrics', String(device.metrics)],
  ];
  return lines.map(([name, value]) => `${name.padEnd(10)} ${printable(value)}`).join('\n');
}
