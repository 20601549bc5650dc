/** `signalbox audit`: who asked what of whom, and what became of it. */
import { Command } from 'commander';
import type { AuditEntryView } from '../../schemas/api/audit.ts';
import { type ConnectionOptions, callFirst, connection, withConnection } from './http.ts';
import { moment, print, printMore, shown, table, wholeNumber } from './output.ts';

interface AuditOptions extends ConnectionOptions {
  readonly customer?: string;
  readonly by?: string;
  readonly action?: string;
  readonly target?: string;
  readonly limit: number;
}

export function auditCommand(): Command {
  return withConnection(new Command('audit'))
    .description('Who asked what of whom, and what became of it; newest first.')
    .option('--customer <name>', 'only entries of this customer')
    .option('--by <key>', 'only what this key asked')
    .option('--action <action>', 'only this, such as command.send; command. for all that begin so')
    .option('--target <target>', 'only about this, such as acme/pump-7')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(async (options: AuditOptions) => {
      const { customer, by, action, target, limit } = options;
      const query = { customer, by, action, target, limit };
      const { items, more } = await callFirst<AuditEntryView>(connection(options), '/audit', query);
      print(options, items, () => auditTable(items));
      printMore(more);
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
