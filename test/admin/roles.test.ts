/** Every role at every operation of the HTTP API: done, 403 (not for this role) or 404 (a thing of another customer). */
import { expect, it } from 'vitest';
import type { KeyRow } from '../../broker/store/ports.ts';
import type { operations } from '../../schemas/api/paths.ts';
import type { Role } from '../../schemas/roles.ts';
import { startAdmin } from './api.ts';
import { REQUESTS } from './every-request.ts';
import { keyRow } from './fakes.ts';

type Outcome = 'done' | number;
/** A new role is one more. */
type Kind = Role | 'fleet' | 'otherViewer' | 'otherOperator';
type Outcomes = Readonly<Record<Kind, Outcome>>;

/** A key of each role of acme, and of another customer's people. */
const CALLERS: Readonly<Record<Kind, KeyRow>> = {
  device: keyRow('own', 'device', 'acme', { device: 'pump-7' }),
  fleet: keyRow('fleet', 'device', 'acme'),
  viewer: keyRow('looks', 'viewer', 'acme'),
  operator: keyRow('acts', 'operator', 'acme'),
  admin: keyRow('all', 'admin', '*'),
  otherViewer: keyRow('looks2', 'viewer', 'beta'),
  otherOperator: keyRow('acts2', 'operator', 'beta'),
};

const noDevice = { device: 403, fleet: 403 } as const;
const people = { ...noDevice, viewer: 'done', operator: 'done', admin: 'done' } as const;
const actors = { ...people, viewer: 403, otherViewer: 403 } as const;

/** What concerns only the one who asks, or is cut to its customer. */
const READS: Outcomes = { ...people, otherViewer: 'done', otherOperator: 'done' };
const READS_ACME: Outcomes = { ...people, otherViewer: 404, otherOperator: 404 };
const READS_AUDIT: Outcomes = { ...actors, otherOperator: 'done' };
const CHANGES_ACME: Outcomes = { ...actors, otherOperator: 404 };
const ADMINS: Outcomes = { ...actors, operator: 403, otherOperator: 403 };
const ANYBODY: Outcomes = { ...READS, device: 'done', fleet: 'done' };

const EXPECTED: Readonly<Record<keyof operations, Outcomes>> = {
  listCustomers: READS,
  listDevices: READS,
  getDevice: READS_ACME,
  putDevice: CHANGES_ACME,
  forgetDevice: CHANGES_ACME,
  getDeviceState: READS_ACME,
  getDesiredState: READS_ACME,
  replaceDesiredState: CHANGES_ACME,
  patchDesiredState: CHANGES_ACME,
  sendCommand: CHANGES_ACME,
  listCommands: READS_ACME,
  cancelWaitingCommands: CHANGES_ACME,
  getCommand: READS_ACME,
  cancelCommand: CHANGES_ACME,
  sendGroupCommand: CHANGES_ACME,
  listJobs: READS,
  getJob: READS_ACME,
  listJobOutcomes: READS_ACME,
  cancelJob: CHANGES_ACME,
  resumeJob: CHANGES_ACME,
  listKeys: ADMINS,
  createKey: ADMINS,
  rotateKey: ADMINS,
  revokeKey: ADMINS,
  logIn: READS,
  getSession: READS,
  logOut: ANYBODY,
  getStats: READS,
  listAuditEntries: READS_AUDIT,
};

const CASES = Object.keys(CALLERS) as Kind[];

it.each(CASES)('a key of the kind "%s" gets done what its role may, and nothing else', async (kind) => {
  const bench = await startAdmin();
  const caller = CALLERS[kind];
  bench.keys.rows.set(caller.id, caller);
  const found: Record<string, Outcome> = {};
  for (const [operation, arrange] of Object.entries(REQUESTS)) {
    const { method, path, body } = await arrange(bench, caller.id);
    const { status } = await bench.ask(method, path, { as: caller.id, body });
    found[operation] = status === 403 || status === 404 ? status : 'done';
    expect([operation, status]).toEqual([operation, statusOf(operation, found[operation])]);
  }
  expect(found).toEqual(Object.fromEntries(Object.entries(EXPECTED).map(([name, row]) => [name, row[kind]])));
});

/** What "done" is: 2xx; but the job that is to be resumed is not halted. */
function statusOf(operation: string, outcome: Outcome): unknown {
  if (outcome !== 'done') return outcome;
  return operation === 'resumeJob'
    ? 409
    : expect.toSatisfy((status: number) => status >= 200 && status < 300);
}
