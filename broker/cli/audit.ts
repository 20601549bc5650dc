/** Runs `signalbox audit`: prints who asked what of whom, and what became of it. */
import { Command } from 'commander';
import type { AuditEntryView } from '../../schemas/api/audit.ts';
import { type AddressOptions, brokerAddress, call, defined, withAddress } from './http.ts';
import { wholeNumber } from './options.ts';
import { moment, print, printMore, shown, table } from './output.ts';

interface AuditOptions extends AddressOptions {
  readonly customer?: string;
  readonly by?: string;
  readonly action?: string;
  readonly target?: string;
  readonly limit: number;
}

export function auditCommand(): Command {
  return withAddress(new Command('audit'))
    .description('Who asked what of whom, and what became of it; newest first.')
    .option('--customer <name>', 'only entries of this customer')
    .option('--by <key>', 'only what this key asked')
    .option('--action <action>', 'only this, such as command.send; command. for all that begin so')
    .option('--target <target>', 'only about this, such as acme/pump-7')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(async (options: AuditOptions) => {
      const { customer, by, action, target, limit } = options;
      const query = { ...defined({ customer, by, action, target }), limit };
      const { items, next } = await call(brokerAddress(options), (api) =>
        api.GET('/audit', { params: { query } }),
      );
      print(options, items, () => auditTable(items));
      printMore(next !== null);
    });
}

function auditTable(entries: readonly AuditEntryView[]): string {
  if (entries.length === 0) return 'No entries.';
  const rows = entries.map((entry) => [
    moment(entry.at),
    entry.by,
    entry.action,
    entry.target,
    entry.outcome ?? 'not known yet',
    entry.detail === null ? '-' : shown(entry.detail),
  ]);
  return table(['TIME', 'BY', 'ACTION', 'TARGET', 'OUTCOME', 'DETAIL'], rows);
}
