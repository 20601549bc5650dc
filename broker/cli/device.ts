/**
 * Runs `signalbox device …`: lists, shows, names and forgets devices; and `signalbox state CUSTOMER/DEVICE`: prints
 * their last-known state.
 */
import { Command, Option } from 'commander';
import type { DeviceSummary as Device, DeviceProfileBody, State } from '../../schemas/api/devices.ts';
import {
  type AddressOptions,
  brokerAddress,
  call,
  callList,
  defined,
  NotFound,
  withAddress,
} from './http.ts';
import { deviceName } from './options.ts';
import { age, moment, print, printable, shown, table } from './output.ts';

export function stateCommand(): Command {
  return withAddress(new Command('state'))
    .description('The last-known state of a device, with the age of every value.')
    .argument('<customer/device>')
    .action(async (name: string, options: AddressOptions) => {
      const state = await call(brokerAddress(options), (api) =>
        api.GET('/devices/{customer}/{device}/state', { params: { path: deviceName(name) } }),
      );
      print(options, state, () => page(state, Date.now()));
    });
}

function page(state: State, now: number): string {
  const connected = state.online ? 'online' : 'offline';
  const head = `${state.device} is ${connected}, last seen ${age(state.lastSeenAt, now)}, clock ${state.clock}`;
  const rows = Object.entries(state.values).map(([name, { value, at, receivedAt }]) => [
    name,
    shown(value),
    age(at, now),
    age(receivedAt, now),
  ]);
  return rows.length === 0 ? head : `${head}\n\n${table(['METRIC', 'VALUE', 'MEASURED', 'RECEIVED'], rows)}`;
}

interface ListOptions extends AddressOptions {
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
    .addCommand(setCommand())
    .addCommand(forgetCommand());
}

const ONE = '/devices/{customer}/{device}';

function listCommand(): Command {
  return withAddress(new Command('list'))
    .description('Devices with whether they are connected and how fresh their data is.')
    .option('--customer <name>', 'only those of this customer')
    .option('--online', 'only those that are connected')
    .addOption(new Option('--offline', 'only those that are not').conflicts('online'))
    .option('--search <text>', 'only those with this in their id, label or tags')
    .action(async (options: ListOptions) => {
      const online = options.online ? true : options.offline ? false : undefined;
      const query = defined({ customer: options.customer, q: options.search, online });
      const devices = await callList(brokerAddress(options), (api, page) =>
        api.GET('/devices', { params: { query: { ...query, ...page } } }),
      );
      print(options, devices, () => deviceTable(devices, Date.now()));
    });
}

function showCommand(): Command {
  return withAddress(new Command('show'))
    .description('One device.')
    .argument('<customer/device>')
    .action(async (name: string, options: AddressOptions) => {
      const params = { path: deviceName(name) };
      const found = await call(brokerAddress(options), (api) => api.GET(ONE, { params }));
      print(options, found, () => description(found, Date.now()));
    });
}

interface SetOptions extends AddressOptions {
  readonly label?: string;
  readonly tag?: readonly string[];
  readonly notes?: string;
}

function setCommand(): Command {
  return withAddress(new Command('set'))
    .alias('add')
    .description('Name a device, which makes it known before it first connects. What you do not give stays.')
    .argument('<customer/device>')
    .option('--label <text>', 'what people call it; empty: none')
    .option('--tag <tag>', 'to find it by; may be given again; replaces those it has; empty: none', collect)
    .option('--notes <text>', 'what people should know about it; empty: none')
    .action(async (name: string, options: SetOptions) => {
      const params = { path: deviceName(name) };
      const to = brokerAddress(options);
      const before = await call(to, (api) => api.GET(ONE, { params })).catch((error: unknown) => {
        if (error instanceof NotFound) return null;
        throw error;
      });
      const body: DeviceProfileBody = {
        label: options.label ?? before?.label ?? '',
        tags: (options.tag ?? before?.tags ?? []).filter((tag) => tag !== ''),
        notes: options.notes ?? before?.notes ?? '',
      };
      const after = await call(to, (api) => api.PUT(ONE, { params, body }));
      print(options, after, () => description(after, Date.now()));
    });
}

function collect(tag: string, before: readonly string[] = []): readonly string[] {
  return [...before, tag];
}

function forgetCommand(): Command {
  return withAddress(new Command('forget'))
    .description('Remove a device and its last-known state, and end its connection.')
    .argument('<customer/device>')
    .action(async (name: string, options: AddressOptions) => {
      const params = { path: deviceName(name) };
      await call(brokerAddress(options), (api) => api.DELETE(ONE, { params }));
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
    device.label ?? '-',
  ]);
  return table(['DEVICE', 'STATE', 'LAST SEEN', 'LAST DATA', 'CLOCK', 'MODEL', 'LABEL'], rows);
}

type Liveness = 'online' | 'offline' | 'never seen' | 'asleep' | 'overdue';

/** Asleep as it said, or overdue: it should have been back (P-7.5). */
function stateOf({ online, asleep, lastSeenAt }: Device, now: number): Liveness {
  if (online) return 'online';
  if (!asleep) return lastSeenAt === null ? 'never seen' : 'offline';
  return asleep.overdueAt !== null && now >= asleep.overdueAt ? 'overdue' : 'asleep';
}

function stateText(device: Device, now: number): string {
  const { presence, connectedAt, asleep } = device;
  const state = stateOf(device, now);
  if (state === 'online') return `online since ${moment(connectedAt)}`;
  if (state === 'never seen') return state;
  const since = `${state} since ${moment(presence.since)}`;
  return asleep?.until ? `${since}, to be back at ${moment(asleep.until)}` : since;
}

/** What else the device said of itself in its hello. */
function metaLines({ meta }: Device): [string, string][] {
  return Object.entries(meta ?? {}).map(([name, value]) => [`meta.${name}`, shown(value)]);
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
    ['max frame', device.maxFrame ? `${device.maxFrame} bytes` : '-'],
    ['metrics', String(device.metrics)],
    ['label', device.label ?? '-'],
    ['tags', device.tags.join(', ') || '-'],
    ['notes', device.notes ?? '-'],
    ...metaLines(device),
  ];
  return lines.map(([name, value]) => `${printable(name).padEnd(10)} ${printable(value)}`).join('\n');
}
