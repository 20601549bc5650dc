/** `signalbox state CUSTOMER/DEVICE`: last-known state. */
import { Command } from 'commander';
import type { State } from '../../schemas/api/devices.ts';
import { type AddressOptions, brokerAddress, call, withAddress } from './http.ts';
import { age, deviceName, print, shown, table } from './output.ts';

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
