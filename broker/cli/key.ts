/** Runs `signalbox key …`: creates, lists, revokes and rotates keys. */
import { Command, Option } from 'commander';
import type { Key } from '../../schemas/api/keys.ts';
import { may, ROLES, type Role } from '../../schemas/roles.ts';
import { type AddressOptions, brokerAddress, call, callList, defined, withAddress } from './http.ts';
import { duration } from './options.ts';
import { age, CliError, moment, print, table } from './output.ts';

interface CreateKeyOptions extends AddressOptions {
  readonly customer?: string;
  readonly device?: string;
  readonly role: Role;
  readonly expires?: number;
  readonly label?: string;
}

export function keyCommand(): Command {
  return new Command('key')
    .description('API keys of devices and people.')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand())
    .addCommand(rotateCommand());
}

function createCommand(): Command {
  return withAddress(new Command('create'))
    .description('Create a key; its secret is shown once.')
    .option('--customer <name>', 'whose key it is; a customer exists once a key names it')
    .option('--device <id>', 'the one device that may use it; without: the whole fleet')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).default('device'))
    .option('--expires <duration>', 'when it ends, such as 90d', duration)
    .option('--label <text>', 'for people')
    .action(async (options: CreateKeyOptions) => {
      const { customer, device, role, label, expires } = options;
      if (!may(role, 'every-customer') && customer === undefined)
        throw new CliError('Say whose key it is with --customer.', 2);
      const expiresIn = expires === undefined ? undefined : Math.ceil(expires / 1000);
      const body = defined({ customer, device, role, label, expiresIn });
      printNew(await call(brokerAddress(options), (api) => api.POST('/keys', { body })), options);
    });
}

function listCommand(): Command {
  return withAddress(new Command('list'))
    .description('Keys that are valid.')
    .option('--customer <name>', 'only those of this customer')
    .action(async (options: AddressOptions & { customer?: string }) => {
      const { customer } = options;
      const keys = await callList(brokerAddress(options), (api, page) =>
        api.GET('/keys', { params: { query: { ...defined({ customer }), ...page } } }),
      );
      print(options, keys, () => keyTable(keys, Date.now()));
    });
}

function revokeCommand(): Command {
  return withAddress(new Command('revoke'))
    .description('End a key and the connections that use it, and only those.')
    .argument('<id>', 'the key as `key list` names it')
    .action(async (id: string, options: AddressOptions) => {
      await call(brokerAddress(options), (api) => api.DELETE('/keys/{id}', { params: { path: { id } } }));
      print(options, { id, revoked: true }, () => `Key ${id} is revoked.`);
    });
}

function rotateCommand(): Command {
  return withAddress(new Command('rotate'))
    .description('Create a key with the same rights; the old one ends after the overlap.')
    .argument('<id>', 'the key as `key list` names it')
    .option('--overlap <duration>', 'how long both work', duration, duration('24h'))
    .action(async (id: string, options: AddressOptions & { overlap: number }) => {
      const body = { overlapSeconds: Math.round(options.overlap / 1000) };
      const params = { path: { id } };
      const key = await call(brokerAddress(options), (api) =>
        api.POST('/keys/{id}/rotate', { params, body }),
      );
      printNew(key, options);
    });
}

/** The secret alone on stdout, so that a script can take it. */
function printNew(key: Key, options: AddressOptions): void {
  const ofCustomer = key.device ? `${key.customer}/${key.device}` : key.customer;
  const whose = key.customer === '*' ? 'every customer' : ofCustomer;
  if (!options.json) console.error(`Key ${key.id} (${key.role}, ${whose}). It is shown only now:`);
  print(options, key, () => key.key ?? '');
}

function keyTable(keys: readonly Key[], now: number): string {
  const rows = keys.map((key) => [
    key.id,
    key.customer,
    key.device ?? '-',
    key.role,
    key.label ?? '-',
    moment(key.expiresAt),
    age(key.lastUsedAt, now),
  ]);
  return table(['ID', 'CUSTOMER', 'DEVICE', 'ROLE', 'LABEL', 'EXPIRES', 'LAST USED'], rows);
}
