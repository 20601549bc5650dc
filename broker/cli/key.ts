/** `signalbox key …`: create, list, revoke and rotate keys. */
import { Command, Option } from 'commander';
import { type Key, ROLES } from '../../schemas/api/keys.ts';
import { type ConnectionOptions, call, callList, connection, withConnection } from './http.ts';
import { age, CliError, duration, moment, print, table } from './output.ts';

interface CreateOptions extends ConnectionOptions {
  readonly customer?: string;
  readonly device?: string;
  readonly role: (typeof ROLES)[number];
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
  return withConnection(new Command('create'))
    .description('Create a key; its secret is shown once.')
    .option('--customer <name>', 'whose key it is; a customer exists once a key names it')
    .option('--device <id>', 'the one device that may use it; without: the whole fleet')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).default('device'))
    .option('--expires <duration>', 'when it ends, such as 90d', duration)
    .option('--label <text>', 'for people')
    .action(async (options: CreateOptions) => {
      const { customer, device, role, label, expires } = options;
      if (role !== 'admin' && customer === undefined)
        throw new CliError('Say whose key it is with --customer.', 2);
      const expiresIn = expires === undefined ? undefined : Math.ceil(expires / 1000);
      const body = { customer, device, role, label, expiresIn };
      printNew(await call<Key>(connection(options), '/keys', { method: 'POST', body }), options);
    });
}

function listCommand(): Command {
  return withConnection(new Command('list'))
    .description('Keys that are valid.')
    .option('--customer <name>', 'only those of this customer')
    .action(async (options: ConnectionOptions & { customer?: string }) => {
      const keys = await callList<Key>(connection(options), '/keys', { customer: options.customer });
      print(options, keys, () => keyTable(keys, Date.now()));
    });
}

function revokeCommand(): Command {
  return withConnection(new Command('revoke'))
    .description('End a key and the connections that use it, and only those.')
    .argument('<id>', 'the key as `key list` names it')
    .action(async (id: string, options: ConnectionOptions) => {
      await call(connection(options), `/keys/${encodeURIComponent(id)}`, { method: 'DELETE' });
      print(options, { id, revoked: true }, () => `Key ${id} is revoked.`);
    });
}

function rotateCommand(): Command {
  return withConnection(new Command('rotate'))
    .description('Create a key with the same rights; the old one ends after the overlap.')
    .argument('<id>', 'the key as `key list` names it')
    .option('--overlap <duration>', 'how long both work', duration, duration('24h'))
    .action(async (id: string, options: ConnectionOptions & { overlap: number }) => {
      const body = { overlapSeconds: Math.round(options.overlap / 1000) };
      const path = `/keys/${encodeURIComponent(id)}/rotate`;
      printNew(await call<Key>(connection(options), path, { method: 'POST', body }), options);
    });
}

/** The secret alone on stdout, so that a script can take it. */
function printNew(key: Key, options: ConnectionOptions): void {
  const ofCustomer = key.device ? `${key.customer}/${key.device}` : key.customer;
  const whose = key.role === 'admin' ? 'every customer' : ofCustomer;
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
