/** What is asked all the time must not read a table from end to end: the plans that SQLite makes for it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadMigrations, loadStatements } from '../../broker/store/sqlite/statements.ts';

const SQL = join(import.meta.dirname, '../../schemas/sql');

/** One line a step, such as `SEARCH commands USING INDEX commands_ended (ended_at<?)`. */
function planOf(name: string): string[] {
  const database = new SqliteDatabase(':memory:');
  onTestFinished(() => void database.close());
  for (const { sql } of loadMigrations(join(SQL, 'migrations'))) database.exec(sql);
  const sql = loadStatements(SQL).get(name) ?? '';
  const parameters = [...sql.matchAll(/:(\w+)/g)].map(([, parameter]) => [parameter, null]);
  const steps = database
    .prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(Object.fromEntries(parameters));
  return steps.map(({ detail }) => detail);
}

it('there is no statement that nobody asks for', () => {
  const folder = join(import.meta.dirname, '../../broker/store/sqlite');
  const code = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const idle = [...loadStatements(SQL).keys()].filter(
    (name) => !code.some((text) => text.includes(`'${name}'`)),
  );
  expect(idle).toEqual([]);
});

describe('the plan of', () => {
  it.each([
    ['loadOpenCommands', 'USING INDEX commands_open (number>?)'],
    ['findCommand', 'USING INDEX sqlite_autoindex_commands_1 (id=? AND customer=?)'],
    ['findCommandsOfAll', 'USING INDEX sqlite_autoindex_commands_1 (id=?)'],
    ['listCommandsOfJob', 'USING INDEX commands_of_job (job=? AND number<?)'],
    ['listCommandsOfDevice', 'USING INDEX commands_of_device (customer=? AND device=? AND number<?)'],
    ['listCommandsOfCustomer', 'USING INDEX commands_of_customer (customer=? AND number<?)'],
    ['listCommandsOfAll', 'USING INTEGER PRIMARY KEY (rowid<?)'],
    ['deleteEndedCommands', 'USING COVERING INDEX commands_ended (ended_at<?)'],
    ['listJobsOfCustomer', 'USING INDEX jobs_of_customer (customer=? AND number<?)'],
    ['listJobsOfAll', 'USING INTEGER PRIMARY KEY (rowid<?)'],
    ['deleteEndedJobs', 'USING COVERING INDEX jobs_ended (ended_at<?)'],
    ['settleAudit', 'USING INDEX audit_unsettled (reference=?)'],
    ['firstAuditSince', 'USING COVERING INDEX audit_at (at>?)'],
    ['listAuditOfTarget', 'USING INDEX audit_of_target (target=? AND number>? AND number<?)'],
    ['listAuditOfKey', 'USING INDEX audit_of_key (by=? AND number>? AND number<?)'],
    ['listAuditOfCustomer', 'USING INDEX audit_of_customer (customer=? AND number>? AND number<?)'],
    ['listAuditOfAll', 'USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
    ['deleteAudit', 'USING COVERING INDEX audit_at (at<?)'],
  ])('%s goes %s, and sorts nothing', (name, way) => {
    const plan = planOf(name);
    expect(plan.join('\n')).toContain(way);
    expect(plan.join('\n')).not.toMatch(/SCAN|TEMP B-TREE/);
  });
});
