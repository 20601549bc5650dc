import { describe, expect, it } from 'vitest';
import type { JobView } from '../../schemas/api.ts';
import { until } from '../helpers/eventually.ts';
import { scripted } from './scripted.ts';
import { KEY, run, start } from './terminal.ts';

function job(changes: Partial<JobView> = {}): JobView {
  return {
    id: 'j1',
    customer: 'acme',
    name: 'update',
    args: { to: '2.0' },
    status: 'running',
    reason: null,
    createdAt: Date.now() - 3000,
    endedAt: null,
    by: 'Ab3dEf7h',
    total: 10,
    waiting: 6,
    canary: 2,
    rate: 5,
    haltShare: 0.1,
    counts: { done: 3, accepted: 1 },
    ...changes,
  };
}
const ENDED = job({ status: 'done', endedAt: 1, waiting: 0, counts: { done: 10 } });

const create = (url: string, ...args: string[]) =>
  ['job', 'create', '--customer', 'acme', 'update', ...args, '--url', url, '--key', KEY] as const;

describe('signalbox job create', () => {
  it('chooses devices and says how it goes on, as the options say', async () => {
    const { url, asked } = await scripted({ status: 201, body: job() });
    const choose = ['--q', 'pump', '--model', 'P7', '--online', '--device', 'pump-1', '--device', 'pump-2'];
    const how = [
      '--args',
      '{"to":"2.0"}',
      '--ttl',
      '1h',
      '--canary',
      '2',
      '--rate',
      '0.5',
      '--halt-share',
      '0.1',
    ];
    const { code, out } = await run(...create(url, ...choose, ...how, '--supersede', 'fw'));
    expect(code).toBe(0);
    expect(asked).toMatchObject([{ line: 'POST /api/v1/commands' }]);
    expect(asked[0]?.body).toEqual({
      select: { customer: 'acme', q: 'pump', model: 'P7', online: true, devices: ['pump-1', 'pump-2'] },
      name: 'update',
      args: { to: '2.0' },
      ttl: 3600,
      supersede: 'fw',
      canary: 2,
      rate: 0.5,
      haltShare: 0.1,
    });
    expect(out).toContain('devices    3 of 10 done, 1 accepted, 6 waiting');
    expect(out).toContain('halts      when more than 10 % fail');
  });

  it('asks for all devices of the customer when nothing else is said', async () => {
    const { url, asked } = await scripted({ status: 201, body: job() });
    await run(...create(url));
    expect(asked[0]?.body).toEqual({ select: { customer: 'acme' }, name: 'update' });
  });

  it('with --dry-run lists who would get it', async () => {
    const { url, asked } = await scripted({
      body: { dryRun: true, total: 2, devices: ['acme/a', 'acme/b'] },
    });
    const { out } = await run(...create(url, '--offline', '--dry-run'));
    expect(asked[0]?.body).toEqual({
      select: { customer: 'acme', online: false },
      name: 'update',
      dryRun: true,
    });
    expect(out).toEqual(['acme/a', 'acme/b', '2 devices would get it.']);
  });

  it.each<[string[], RegExp]>([
    [['job', 'create', 'update'], /required option '--customer <name>' not specified/],
    [['job', 'create', '--customer', 'acme'], /missing required argument 'name'/],
    [['job', 'create', '--customer', 'acme', 'u', '--halt-share', '10'], /a number from 0 to 1/],
    [['job', 'create', '--customer', 'acme', 'u', '--rate', '0'], /a number above 0/],
    [['job', 'create', '--customer', 'acme', 'u', '--online', '--offline'], /cannot be used with/],
    [['job', 'create', '--customer', 'acme', 'u', '--args', '{a}'], /It is not JSON/],
  ])('%j is told what is possible', async (args, message) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err.join('\n')).toMatch(message);
  });
});

describe('signalbox job create --wait', () => {
  it('tells each change, and exits with 0 when all are done', async () => {
    const answers = [{ status: 201, body: job() }, { body: job() }, { body: ENDED }];
    const { url, asked } = await scripted(...answers);
    const { code, out, err } = await run(...create(url, '--wait'));
    expect(code).toBe(0);
    expect(err).toEqual([
      'job j1 running: 3 of 10 done, 1 accepted, 6 waiting',
      'job j1 done: 10 of 10 done',
    ]);
    expect(out).toContain('status     done');
    expect(asked.map(({ line }) => line)).toEqual([
      'POST /api/v1/commands',
      'GET /api/v1/jobs/j1',
      'GET /api/v1/jobs/j1',
    ]);
  });

  it('exits with 1 when some failed', async () => {
    const ended = { ...ENDED, counts: { done: 8, failed: 1, refused: 1 } };
    const { url } = await scripted({ status: 201, body: ended });
    const { code, err } = await run(...create(url, '--wait', '--json'));
    expect(code).toBe(1);
    expect(err).toEqual(['Not all devices are done: job j1 done: 8 of 10 done, 1 failed, 1 refused.']);
  });

  it('exits with 1 when it halts, with what to do', async () => {
    const halted = job({ status: 'halted', reason: '2 of 4 failed.', counts: { done: 2, failed: 2 } });
    const { url } = await scripted({ status: 201, body: halted });
    const { code, err } = await run(...create(url, '--wait'));
    expect(code).toBe(1);
    expect(err.at(-1)).toMatch(/halted: .* \(2 of 4 failed\.\)\. Go on with: signalbox job resume j1$/);
  });

  it('on Ctrl-C says that the job goes on', async () => {
    const { url } = await scripted({ status: 201, body: job() });
    const { printed, code } = start(...create(url, '--wait'));
    await until(() => printed.err.length > 0);
    process.emit('SIGINT');
    expect(await code).toBe(1);
    const goesOn = 'The job goes on without you: signalbox job show j1, or job cancel j1.';
    expect(printed.err.at(-1)).toBe(goesOn);
  });
});

describe('signalbox job', () => {
  it('lists jobs', async () => {
    const cancelled = job({ id: 'j2', status: 'cancelled', endedAt: 1 });
    const { url } = await scripted({ body: { items: [cancelled, job()], next: null } });
    const { out, err } = await run('job', 'list', '--url', url, '--key', KEY);
    expect(out[1]).toMatch(
      /^j2 +acme +update +cancelled +3 s ago +Ab3dEf7h +3 of 10 done, 1 accepted, 6 skipped$/,
    );
    expect(out[2]).toMatch(/6 waiting$/);
    expect(err).toEqual([]);
  });

  it('shows what became of each device, those of every page', async () => {
    const waiting = { device: 'acme/a', status: 'waiting', reason: null, command: null };
    const refused = { device: 'acme/b', status: 'refused', reason: '100 wait.', command: null };
    const { url, asked } = await scripted(
      { body: { items: [waiting], next: 'n' } },
      { body: { items: [refused], next: null } },
    );
    const { out } = await run('job', 'devices', 'j1', '--url', url, '--key', KEY);
    expect(out).toEqual([
      'DEVICE  STATUS   COMMAND  WHY, OR RESULT',
      'acme/a  waiting  -        -',
      'acme/b  refused  -        100 wait.',
    ]);
    expect(asked[1]?.line).toBe('GET /api/v1/jobs/j1/devices?limit=1000&cursor=n');
  });

  it.each([
    ['show', 'GET /api/v1/jobs/j1'],
    ['cancel', 'DELETE /api/v1/jobs/j1'],
    ['resume', 'POST /api/v1/jobs/j1/resume'],
  ])('%s asks for %s', async (step, line) => {
    const { url, asked } = await scripted({ body: job() });
    const { code, out } = await run('job', step, 'j1', '--json', '--url', url, '--key', KEY);
    expect(code).toBe(0);
    expect(JSON.parse(out.join('\n'))).toMatchObject({ id: 'j1' });
    expect(asked.map((one) => one.line)).toEqual([line]);
  });
});
