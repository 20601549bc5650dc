/** Commands to groups over HTTP: a dry run, the job, how far it is, and stopping it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { JobOutcomeView, JobView } from '../../schemas/api.ts';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
  for (const id of ['pump-1', 'pump-2', 'pump-3', 'fan-1']) bench.fleet.obtain('acme', id);
  bench.fleet.obtain('beta', 'pump-1');
});

const WISH = { select: { customer: 'acme', q: 'pump' }, name: 'update' };
const create = (body: unknown, as = 'olga') => bench.ask('POST', '/commands', { as, body });
const ask = async <Body>(method: string, path: string, as = 'olga') =>
  (await bench.ask(method, path, { as })) as { status: number; body: Body };

describe('a dry run', () => {
  it('lists who would get it, and sends nothing', async () => {
    const { status, body } = await create({ ...WISH, dryRun: true });
    expect(status).toBe(200);
    const devices = ['acme/pump-1', 'acme/pump-2', 'acme/pump-3'];
    expect(body).toEqual({ dryRun: true, total: 3, devices });
    expect(bench.jobs.all).toEqual([]);
  });

  it('finds by all that the selection says', async () => {
    const select = { customer: 'acme', q: 'p', model: 'P7', online: false, devices: ['pump-1'] };
    await create({ select, name: 'update', dryRun: true });
    await create({ select: { customer: 'acme' }, name: 'update', dryRun: true });
    const nothing = { customer: 'acme', q: null, model: null, online: null, devices: null };
    expect(bench.jobs.selections).toEqual([select, nothing]);
  });
});

describe('a job', () => {
  it('is created with what was asked, and tells how far it is', async () => {
    const body = {
      ...WISH,
      args: { to: '2.0' },
      ttl: 3600,
      canary: 1,
      rate: 5,
      haltShare: 0.1,
      supersede: 'fw',
    };
    const { status, body: job } = await create(body);
    expect(status).toBe(201);
    expect(bench.jobs.all[0]?.request).toMatchObject({ ttl: 3_600_000, supersede: 'fw', by: 'olga' });
    expect(job).toEqual({
      id: 'j1',
      customer: 'acme',
      name: 'update',
      args: { to: '2.0' },
      status: 'canary',
      reason: null,
      createdAt: bench.clock.now(),
      endedAt: null,
      by: 'olga',
      total: 3,
      waiting: 2,
      canary: 1,
      rate: 5,
      haltShare: 0.1,
      counts: { queued: 1 },
    });
  });

  it.each<[object, string]>([
    [{ name: 'x' }, 'body.select is missing.'],
    [{ select: {}, name: 'x' }, 'body.select.customer is missing.'],
    [{ ...WISH, rate: 0 }, 'body.rate must be > 0.'],
    [{ ...WISH, haltShare: 2 }, 'body.haltShare must be <= 1.'],
    [
      { ...WISH, args: { a: 2 ** 60 } },
      'body.args.a is beyond plus or minus 2^53-1, where integers are rounded; send it as text.',
    ],
    [{ select: { customer: 'acme', q: 'none' }, name: 'x' }, 'The selection finds no device.'],
  ])('%j is refused with what was expected', async (body, detail) => {
    expect(await create(body)).toMatchObject({ status: 400, body: { code: 'bad-request', detail } });
    expect(bench.jobs.all).toEqual([]);
  });

  it('takes a list of 20,000 devices by name', async () => {
    const devices = Array.from({ length: 20_000 }, (_, at) => `a-device-with-quite-a-long-name-${at}`);
    expect((await create({ ...WISH, select: { customer: 'acme', devices } })).status).toBe(201);
  });

  it('shows what became of each device, in pages, while it runs', async () => {
    await create(WISH);
    const first = await ask<{ items: JobOutcomeView[]; next: string }>(
      'GET',
      '/jobs/j1/devices?limit=2',
      'vera',
    );
    expect(first.body.items).toEqual(
      ['acme/pump-1', 'acme/pump-2'].map((device) => ({
        device,
        status: 'waiting',
        reason: null,
        command: null,
      })),
    );
    const path = `/jobs/j1/devices?limit=2&cursor=${first.body.next}`;
    expect((await ask('GET', path, 'vera')).body).toMatchObject({
      items: [{ device: 'acme/pump-3' }],
      next: null,
    });
    await create(WISH);
    const other = await ask('GET', path.replace('j1', 'j2'), 'vera');
    expect(other).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  });

  it('is listed, newest first, in pages', async () => {
    for (let jobs = 0; jobs < 3; jobs += 1) await create(WISH);
    await create({ ...WISH, select: { customer: 'beta' } }, 'boss');
    const first = await ask<{ items: JobView[]; next: string }>('GET', '/jobs?limit=2', 'vera');
    const second = await ask<{ items: JobView[]; next: null }>(
      'GET',
      `/jobs?cursor=${first.body.next}`,
      'vera',
    );
    const ids = [...first.body.items, ...second.body.items].map(({ id }) => id);
    expect([ids, second.body.next]).toEqual([['j3', 'j2', 'j1'], null]);
  });

  it('is cancelled once; then that is a conflict', async () => {
    await create(WISH);
    expect(await ask('DELETE', '/jobs/j1')).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(await ask('DELETE', '/jobs/j1')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  it('goes on after a halt, and only then', async () => {
    await create(WISH);
    expect((await ask('POST', '/jobs/j1/resume')).status).toBe(409);
    await bench.jobs.change('acme', 'j1', { status: 'halted', reason: '2 of 3 failed.' });
    expect((await ask('GET', '/jobs/j1')).body).toMatchObject({ status: 'halted', reason: '2 of 3 failed.' });
    expect(await ask('POST', '/jobs/j1/resume')).toMatchObject({ status: 200, body: { status: 'running' } });
  });

  it('of another customer is not found, whatever is tried', async () => {
    await create({ ...WISH, select: { customer: 'beta' } }, 'boss');
    const tries = ['GET /jobs/j1', 'GET /jobs/j1/devices', 'DELETE /jobs/j1', 'POST /jobs/j1/resume'];
    for (const line of tries) {
      const [method = '', path = ''] = line.split(' ');
      expect([line, (await ask(method, path)).status]).toEqual([line, 404]);
    }
    expect((await create({ ...WISH, select: { customer: 'beta' }, dryRun: true })).status).toBe(404);
  });
});
