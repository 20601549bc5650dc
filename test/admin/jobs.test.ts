/** Commands to groups over HTTP: a dry run, the job, how far it is, and stopping it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { JobOutcomeView, JobView } from '../../schemas/api.ts';
import { rest } from '../commands/world.ts';
import { type AdminBench, startAdmin } from './api.ts';
import { connect } from './fleet.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
  for (const id of ['pump-1', 'pump-2', 'pump-3', 'fan-1']) bench.fleet.obtain('acme', id);
  bench.fleet.obtain('beta', 'pump-1');
});

const JOB = { select: { customer: 'acme', q: 'pump' }, name: 'update' };
const create = (body: unknown, as = 'olga') => bench.ask('POST', '/commands', { as, body });
const ask = async <Body>(method: string, path: string, as = 'olga') =>
  (await bench.ask(method, path, { as })) as { status: number; body: Body };
/** Every job, as the hub knows it. */
const jobs = async () => (await bench.control.jobs.list('*', { before: null, limit: 100 })).items;

describe('a dry run', () => {
  it('lists who would get it, and sends nothing', async () => {
    const { status, body } = await create({ ...JOB, dryRun: true });
    expect(status).toBe(200);
    const devices = ['acme/pump-1', 'acme/pump-2', 'acme/pump-3'];
    expect(body).toEqual({ dryRun: true, total: 3, devices });
    expect(await jobs()).toEqual([]);
  });

  it('finds by all that the selection says', async () => {
    const { fleet, clock } = bench;
    for (const id of ['pump-1', 'pump-2', 'fan-1']) {
      fleet.obtain('acme', id).description = { model: 'P7', firmware: null, meta: null, maxFrame: null };
    }
    connect(fleet, fleet.obtain('acme', 'pump-2'), clock.now());
    const found = async (select: object) => {
      const { body } = await create({
        select: { customer: 'acme', ...select },
        name: 'update',
        dryRun: true,
      });
      return (body as { devices: string[] }).devices.map((name) => name.slice('acme/'.length));
    };
    const all = { q: 'p', model: 'P7', online: false, devices: ['pump-1', 'pump-2', 'pump-3', 'fan-1'] };
    expect(await found(all)).toEqual(['pump-1']);
    expect(await found({ ...all, q: 'AN' })).toEqual(['fan-1']);
    expect(await found({ q: 'p', online: false, devices: all.devices })).toEqual(['pump-1', 'pump-3']);
    expect(await found({ q: 'p', model: 'P7' })).toEqual(['pump-1', 'pump-2']);
    expect(await found({ ...all, devices: ['pump-3'] })).toEqual([]);
    expect(await found({})).toEqual(['fan-1', 'pump-1', 'pump-2', 'pump-3']);
  });
});

describe('a job', () => {
  it('is created with what was asked, and tells how far it is', async () => {
    const body = {
      ...JOB,
      args: { to: '2.0' },
      ttl: 3600,
      canary: 1,
      rate: 5,
      haltShare: 0.1,
      supersede: 'fw',
    };
    const { status, body: job } = await create(body);
    expect(status).toBe(201);
    expect(await jobs()).toMatchObject([{ request: { ttl: 3_600_000, supersede: 'fw', by: 'olga' } }]);
    const asked = {
      id: 'id1',
      customer: 'acme',
      name: 'update',
      args: { to: '2.0' },
      status: 'canary',
      reason: null,
      createdAt: bench.clock.now(),
      endedAt: null,
      by: 'olga',
      total: 3,
      canary: 1,
      rate: 5,
      haltShare: 0.1,
    };
    expect(job).toEqual({ ...asked, waiting: 3, counts: {} });
    await rest();
    expect((await ask('GET', '/jobs/id1')).body).toEqual({ ...asked, waiting: 2, counts: { queued: 1 } });
  });

  it.each<[object, string]>([
    [{ name: 'x' }, 'body.select is missing.'],
    [{ select: {}, name: 'x' }, 'body.select.customer is missing.'],
    [{ ...JOB, rate: 0 }, 'body.rate must be > 0.'],
    [{ ...JOB, haltShare: 2 }, 'body.haltShare must be <= 1.'],
    [
      { ...JOB, args: { a: 2 ** 60 } },
      'body.args.a is beyond plus or minus 2^53-1, where integers are rounded; send it as text.',
    ],
    [
      { select: { customer: 'acme', q: 'none' }, name: 'x' },
      'The selection finds no device; try it with dryRun.',
    ],
  ])('%j is refused with what was expected', async (body, detail) => {
    expect(await create(body)).toMatchObject({ status: 400, body: { code: 'bad-request', detail } });
    expect(await jobs()).toEqual([]);
  });

  it('takes a list of 20,000 devices by name', async () => {
    const devices = Array.from({ length: 20_000 }, (_, at) => `a-device-with-quite-a-long-name-${at}`);
    for (const id of devices) bench.fleet.obtain('acme', id);
    const select = { customer: 'acme', devices };
    expect(await create({ ...JOB, select, dryRun: true })).toMatchObject({
      status: 200,
      body: { total: 20_000 },
    });
  });

  it('shows what became of each device, in pages, while it runs', async () => {
    await create({ ...JOB, canary: 1 });
    await rest();
    const first = await ask<{ items: JobOutcomeView[]; next: string }>(
      'GET',
      '/jobs/id1/devices?limit=2',
      'vera',
    );
    expect(first.body.items).toEqual([
      {
        device: 'acme/pump-1',
        status: 'queued',
        reason: null,
        command: expect.objectContaining({ id: 'id1.0' }),
      },
      { device: 'acme/pump-2', status: 'waiting', reason: null, command: null },
    ]);
    const path = `/jobs/id1/devices?limit=2&cursor=${first.body.next}`;
    expect((await ask('GET', path, 'vera')).body).toMatchObject({
      items: [{ device: 'acme/pump-3' }],
      next: null,
    });
    await create(JOB);
    const other = await ask('GET', path.replace('id1', 'id2'), 'vera');
    expect(other).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  });

  it('is listed, newest first, in pages', async () => {
    for (let jobs = 0; jobs < 3; jobs += 1) await create(JOB);
    await create({ ...JOB, select: { customer: 'beta' } }, 'boss');
    const first = await ask<{ items: JobView[]; next: string }>('GET', '/jobs?limit=2', 'vera');
    const second = await ask<{ items: JobView[]; next: null }>(
      'GET',
      `/jobs?cursor=${first.body.next}`,
      'vera',
    );
    const ids = [...first.body.items, ...second.body.items].map(({ id }) => id);
    expect([ids, second.body.next]).toEqual([['id3', 'id2', 'id1'], null]);
  });

  it('is cancelled once; then that is a conflict', async () => {
    await create(JOB);
    expect(await ask('DELETE', '/jobs/id1')).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(await ask('DELETE', '/jobs/id1')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  it('goes on after a halt, and only then', async () => {
    await create({ ...JOB, canary: 1 });
    expect((await ask('POST', '/jobs/id1/resume')).status).toBe(409);
    await rest();
    await bench.answers('acme/pump-1', 'id1.0', 'failed');
    const reason = expect.stringContaining('canary');
    expect((await ask('GET', '/jobs/id1')).body).toMatchObject({ status: 'halted', reason });
    expect(await ask('POST', '/jobs/id1/resume')).toMatchObject({ status: 200, body: { status: 'running' } });
  });

  it('of another customer is not found, whatever is tried', async () => {
    await create({ ...JOB, select: { customer: 'beta' } }, 'boss');
    const tries = ['GET /jobs/id1', 'GET /jobs/id1/devices', 'DELETE /jobs/id1', 'POST /jobs/id1/resume'];
    for (const line of tries) {
      const [method = '', path = ''] = line.split(' ');
      expect([line, (await ask(method, path)).status]).toEqual([line, 404]);
    }
    expect((await create({ ...JOB, select: { customer: 'beta' }, dryRun: true })).status).toBe(404);
  });
});
