/** Who asked what of whom: what every changing request leaves behind, and reading it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { AUDIT_ACTIONS } from '../../broker/hub/audit/audit.ts';
import type { AuditEntryView } from '../../schemas/api.ts';
import { rest } from '../commands/world.ts';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
  bench.fleet.obtain('acme', 'pump-7');
  bench.fleet.obtain('beta', 'pump-1');
});

const PUMP = '/devices/acme/pump-7';
const ask = (line: string, as: string, body?: unknown) => {
  const [method = '', path = ''] = line.split(' ');
  return bench.ask(method, path, { as, ...(body !== undefined && { body }) });
};
/** The newest entry, in what people look for. */
const last = async () => {
  const { by, customer, action, target, outcome, detail, reference } = (await bench.entries()).at(-1) ?? {};
  return { by, customer, action, target, outcome, detail: JSON.parse(detail ?? 'null'), reference };
};

describe('what was done', () => {
  it('a command that was sent is open until the hub knows its end', async () => {
    await ask(`POST ${PUMP}/commands`, 'olga', { name: 'reboot', id: 'r1' });
    expect(await last()).toEqual({
      by: 'olga',
      customer: 'acme',
      action: 'command.send',
      target: 'acme/pump-7',
      outcome: null,
      detail: { command: 'r1', name: 'reboot' },
      reference: 'command acme/r1',
    });
    await bench.answers('acme/pump-7', 'r1', 'done');
    expect(await last()).toMatchObject({ action: 'command.send', outcome: 'done' });
  });

  it('a command that failed at once is complete, and one that was known leaves nothing', async () => {
    await ask(`POST ${PUMP}/commands`, 'olga', { name: 'reboot', id: 'r1', ttl: 0 });
    expect(await last()).toMatchObject({ outcome: 'failed', reference: null });
    await ask(`POST ${PUMP}/commands`, 'olga', { name: 'reboot', id: 'r1', ttl: 0 });
    expect(await bench.entries()).toHaveLength(1);
  });

  it('an admin who acts for a customer is seen by its operators', async () => {
    await ask(`POST ${PUMP}/commands`, 'boss', { name: 'reboot' });
    expect(await last()).toMatchObject({ by: 'boss', customer: 'acme' });
  });

  it.each<[string, string, object | undefined, object]>([
    [
      'DELETE /commands/id1',
      'command.cancel',
      undefined,
      { target: 'acme/pump-7', detail: { command: 'id1', name: 'x' } },
    ],
    [
      `DELETE ${PUMP}/commands`,
      'command.cancel',
      undefined,
      { target: 'acme/pump-7', detail: { cancelled: 2 } },
    ],
    ['DELETE /jobs/id2', 'job.cancel', undefined, { target: 'job id2', detail: { name: 'x' } }],
    ['POST /jobs/id3/resume', 'job.resume', undefined, { target: 'job id3' }],
    [`PUT ${PUMP}/desired`, 'desired.put', { a: 1 }, { target: 'acme/pump-7', detail: { version: 1 } }],
    [`PATCH ${PUMP}/desired`, 'desired.patch', { a: 1 }, { target: 'acme/pump-7', detail: { version: 1 } }],
    [`DELETE ${PUMP}`, 'device.forget', undefined, { target: 'acme/pump-7' }],
    [
      'POST /keys',
      'key.create',
      { customer: 'acme', device: 'pump-9' },
      { target: 'key created6', detail: { role: 'device', device: 'pump-9' } },
    ],
    ['POST /keys/vera/rotate', 'key.rotate', {}, { target: 'key vera', detail: { next: 'created6' } }],
    ['DELETE /keys/vera', 'key.revoke', undefined, { target: 'key vera' }],
  ])('%s is written down as %s', async (line, action, body, entry) => {
    await ask(`POST ${PUMP}/commands`, 'boss', { name: 'x' });
    const job = { select: { customer: 'acme' }, name: 'x' };
    bench.fleet.obtain('acme', 'pump-8');
    await ask('POST /commands', 'boss', job);
    await ask('POST /commands', 'boss', { ...job, canary: 1 });
    await rest();
    await bench.answers('acme/pump-7', 'id3.0', 'failed');
    const before = (await bench.entries()).length;
    expect((await ask(line, 'boss', body)).status).toBeLessThan(300);
    expect(await bench.entries()).toHaveLength(before + 1);
    expect(await last()).toMatchObject({ by: 'boss', customer: 'acme', action, outcome: 'done', ...entry });
  });

  it('a job names its group, and a dry run leaves nothing', async () => {
    const job = { select: { customer: 'acme' }, name: 'update' };
    await ask('POST /commands', 'olga', { ...job, dryRun: true });
    expect(await bench.entries()).toEqual([]);
    await ask('POST /commands', 'olga', job);
    const detail = { job: 'id1', name: 'update', devices: 1 };
    expect(await last()).toMatchObject({
      action: 'job.create',
      target: 'acme/+',
      detail,
      reference: 'job id1',
      outcome: null,
    });
  });

  it('never holds a secret', async () => {
    await ask('POST /keys', 'boss', { customer: 'acme' });
    expect(JSON.stringify(await bench.entries())).not.toContain('sbx_');
  });
});

describe('reading the audit', () => {
  const items = async (query: string, as: string) =>
    ((await ask(`GET /audit${query}`, as)).body as { items: AuditEntryView[] }).items;

  beforeEach(async () => {
    await ask(`POST ${PUMP}/commands`, 'olga', { name: 'a' });
    bench.clock.advance(1000);
    await ask('POST /devices/beta/pump-1/commands', 'boss', { name: 'b' });
    await ask('POST /keys', 'boss', { role: 'admin' });
    await ask(`PUT ${PUMP}/desired`, 'olga', {});
  });

  it('shows operators their customer, admins all, viewers nothing', async () => {
    const actions = async (as: string) => (await items('', as)).map(({ action }) => action);
    expect(await actions('olga')).toEqual(['desired.put', 'command.send']);
    expect(await actions('boss')).toEqual(['desired.put', 'key.create', 'command.send', 'command.send']);
    expect((await ask('GET /audit', 'vera')).status).toBe(403);
    expect(await items('?customer=beta', 'olga')).toEqual([]);
    expect(await items('?customer=*', 'olga')).toEqual([]);
  });

  it('tells all of an entry', async () => {
    const [, first] = await items('', 'olga');
    expect(first).toEqual({
      number: 1,
      at: bench.clock.now() - 1000,
      by: 'olga',
      customer: 'acme',
      action: 'command.send',
      target: 'acme/pump-7',
      detail: { command: 'id1', name: 'a' },
      outcome: null,
      outcomeAt: null,
    });
  });

  it('finds by who, what, whom and when', async () => {
    const numbers = async (query: string) => (await items(query, 'boss')).map(({ number }) => number);
    expect(await numbers('?by=olga')).toEqual([4, 1]);
    expect(await numbers('?action=command.')).toEqual([2, 1]);
    expect(await numbers('?action=desired.put')).toEqual([4]);
    expect(await numbers('?target=beta/pump-1')).toEqual([2]);
    expect(await numbers('?customer=acme')).toEqual([4, 1]);
    expect(await numbers(`?from=${bench.clock.now()}`)).toEqual([4, 3, 2]);
    expect(await numbers(`?to=${bench.clock.now()}`)).toEqual([1]);
  });

  it('comes in pages', async () => {
    const first = (await ask('GET /audit?limit=3', 'boss')).body as { items: AuditEntryView[]; next: string };
    expect(first.items.map(({ number }) => number)).toEqual([4, 3, 2]);
    expect(await items(`?cursor=${first.next}`, 'boss')).toMatchObject([{ number: 1 }]);
  });
});

describe('docs/audit.md', () => {
  it('lists the actions that the broker writes, and no others, in the same words', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z]+\.[a-z]+)` \| ([^|]+) \|/gm)].map(([, action, when]) => [
      action,
      when?.trim(),
    ]);
    expect(rows).toEqual(Object.entries(AUDIT_ACTIONS));
  });
});
