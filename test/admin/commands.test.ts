/** Sending commands to a device over HTTP, reading where they stand, and taking them back. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandView } from '../../schemas/api.ts';
import { TTL_TEXT } from '../../schemas/durations.ts';
import { testConfig } from '../helpers/config.ts';
import { type AdminBench, startAdmin } from './api.ts';

let bench: AdminBench;
beforeEach(async () => {
  bench = await startAdmin();
  bench.fleet.obtain('acme', 'pump-7');
  bench.fleet.obtain('beta', 'pump-7');
});

/** `commands.defaultTtlSeconds`; ms. */
const DEFAULT_TTL = testConfig('unused').commands.defaultTtlSeconds * 1000;
const PATH = '/devices/acme/pump-7/commands';
const send = (body: unknown, path = PATH, as = 'olga') => bench.ask('POST', path, { as, body });

describe('sending a command', () => {
  it('answers 201 with the command and what it waits for', async () => {
    const { status, body } = await send({ name: 'set_valve', args: { open: 0.5 } });
    expect(status).toBe(201);
    const now = bench.clock.now();
    expect(body).toEqual({
      id: 'id1',
      device: 'acme/pump-7',
      name: 'set_valve',
      args: { open: 0.5 },
      status: 'queued',
      createdAt: now,
      expiresAt: now + DEFAULT_TTL,
      endedAt: null,
      attempts: 0,
      waitingFor: 'device has not connected yet',
      by: 'olga',
      timeline: [{ status: 'queued', at: now, by: 'olga' }],
    });
  });

  it('hands everything that was said to the hub, the ttl in milliseconds', async () => {
    const body = {
      name: 'set',
      args: [1],
      ttl: 2.5,
      id: 'my-1',
      supersede: 'valve',
    };
    await send(body);
    const where = { customer: 'acme', device: 'pump-7', by: 'olga', job: null };
    expect(await bench.sent()).toMatchObject([{ ...body, ...where, ttl: 2500 }]);
  });

  it('makes room for it where the sender asks for that', async () => {
    bench = await startAdmin({ limits: { waitingPerDevice: 1 } });
    bench.fleet.obtain('acme', 'pump-7');
    await send({ name: 'ping', id: 'a' });
    expect((await send({ name: 'ping', id: 'b' })).status).toBe(429);
    expect((await send({ name: 'ping', id: 'c', whenFull: 'expire-oldest' })).status).toBe(201);
    const statuses = (await bench.sent()).map(({ id, status }) => [id, status]);
    expect(statuses).toEqual([
      ['a', 'expired'],
      ['c', 'queued'],
    ]);
  });

  it('by an admin finds room where the keys of the customer have taken all', async () => {
    bench = await startAdmin({ limits: { waitingPerCustomer: 1 } });
    bench.fleet.obtain('acme', 'pump-7');
    const ask = (as: string) => send({ name: 'ping' }, PATH, as);
    expect([(await ask('olga')).status, (await ask('olga')).status, (await ask('boss')).status]).toEqual([
      201, 429, 201,
    ]);
  });

  it('leaves the ttl, the id and the rest to the broker where nobody says', async () => {
    await send({ name: 'reboot' });
    const others = { args: null, ttl: DEFAULT_TTL, id: 'id1', supersede: null };
    expect(await bench.sent()).toMatchObject([others]);
  });

  it.each<[number | string, number]>([
    [0, 0],
    ['0', 0],
    [60, 60_000],
    ['60', 60_000],
    ['60s', 60_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
  ])('takes a ttl of %j', async (ttl, milliseconds) => {
    expect(await send({ name: 'reboot', ttl })).toMatchObject({ status: 201 });
    expect(await bench.sent()).toMatchObject([{ ttl: milliseconds }]);
  });

  it('with the id of one that was sent answers 200 with that one, as it stands now', async () => {
    const first = await send({ name: 'reboot', id: 'r-1' });
    await bench.answers('acme/pump-7', 'r-1', 'accepted');
    const again = await send({ name: 'reboot', id: 'r-1' });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toMatchObject({ id: 'r-1', status: 'accepted', timeline: [{}, { session: 's1' }] });
    expect(await bench.sent()).toHaveLength(1);
  });

  it('now or never to a device that is offline is created and failed, with the reason', async () => {
    const { status, body } = await send({ name: 'reboot', ttl: 0 });
    expect(status).toBe(201);
    const reason = 'The device is not connected, and a ttl of 0 means now or never.';
    expect((body as CommandView).timeline).toMatchObject([
      { status: 'queued' },
      { status: 'failed', reason },
    ]);
    expect(body).not.toHaveProperty('waitingFor');
  });

  it.each<[object, string]>([
    [{}, 'body.name is missing.'],
    [{ name: 'no spaces' }, 'body.name must match pattern "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$".'],
    [{ name: 'constructor' }, 'body.name must NOT be valid.'],
    [{ name: 'a', ttl: -1 }, 'body.ttl must be >= 0.'],
    [{ name: 'a', ttl: true }, 'body.ttl must be number,string.'],
    [{ name: 'a', ttl: 'soon' }, `body.ttl must match pattern "${TTL_TEXT}".`],
    [{ name: 'a', id: 'a b' }, 'body.id must match pattern "^[A-Za-z0-9_.:-]{1,64}$".'],
    [{ name: 'a', whenFull: 'drop' }, 'body.whenFull must be one of refuse, expire-oldest.'],
    [{ name: 'a', arguments: 1 }, 'body.arguments is not known here; leave it out.'],
    [
      { name: 'a', args: { list: [0, 2 ** 53] } },
      'body.args.list.1 is beyond plus or minus 2^53-1, where integers are rounded; send it as text.',
    ],
  ])('%j is refused with what was expected', async (body, detail) => {
    expect(await send(body)).toMatchObject({ status: 400, body: { code: 'bad-request', detail } });
    expect(await bench.sent()).toEqual([]);
  });

  it('with a key that no map may hold is told where it is', async () => {
    const body = '{"name":"set","args":{"deep":{"__proto__":{"admin":true}}}}';
    const detail = 'body.args.deep has the key __proto__, which no map may hold.';
    expect(await send(body)).toMatchObject({ status: 400, body: { detail } });
    const outside = await send('{"name":"set","__proto__":{"args":1}}');
    expect(outside).toMatchObject({
      status: 400,
      body: { detail: 'body.__proto__ is not known here; leave it out.' },
    });
  });

  it('takes arguments over 64 KiB of JSON, and leaves their size to commands.argsBytes', async () => {
    // Six characters of JSON for each byte of the command.
    const text = `"${'\\u0061'.repeat(3900)}"`;
    const sized = (texts: number) => `{"name":"load","args":[${Array.from({ length: texts }, () => text)}]}`;
    expect((await send(sized(4))).status).toBe(201);
    const tooLarge = { code: 'args-too-large', limit: 'commands.argsBytes' };
    expect(await send(sized(8))).toMatchObject({ status: 413, body: tooLarge });
    expect(await send(sized(12))).toMatchObject({
      status: 413,
      body: { detail: 'Send at most 262144 bytes.' },
    });
  });

  it('that the hub refuses is told with its limit, and when to try again', async () => {
    bench = await startAdmin({ limits: { waitingPerDevice: 1 } });
    bench.fleet.obtain('acme', 'pump-7');
    await send({ name: 'reboot' });
    const answer = await send({ name: 'reboot' });
    expect(answer.headers.get('retry-after')).toBe('10');
    expect(answer).toMatchObject({
      status: 429,
      body: {
        retryAfter: 10,
        code: 'too-many-commands',
        detail:
          'The limit commands.waitingPerDevice of 1 commands of this device that are not final is reached; cancel some, or wait.',
        limit: 'commands.waitingPerDevice',
      },
    });
  });
});

describe('reading commands', () => {
  it('comes in pages, newest first, each once, while new ones come in between', async () => {
    for (let sent = 1; sent <= 5; sent += 1) await send({ name: 'ping', id: `p${sent}` });
    await send({ name: 'ping' }, '/devices/beta/pump-7/commands', 'boss');
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await bench.ask('GET', `${PATH}?limit=2${cursor}`, { as: 'vera' });
      const { items, next } = body as { items: CommandView[]; next: string | null };
      seen.push(...items.map(({ id }) => id));
      cursor = next === null ? '' : `&cursor=${next}`;
      await send({ name: 'ping', id: `later${seen.length}` });
    } while (cursor !== '');
    expect(seen).toEqual(['p5', 'p4', 'p3', 'p2', 'p1']);
  });

  it.each([
    ['of jobs', ['jobs', 3, '']],
    ['with a number that is none', ['commands', 1.5, '']],
    ['with a negative number', ['commands', -1, '']],
  ])('refuses a cursor %s', async (_, cursor) => {
    const text = Buffer.from(JSON.stringify(cursor)).toString('base64url');
    const answer = await bench.ask('GET', `${PATH}?cursor=${text}`, { as: 'vera' });
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('query.cursor') } });
  });

  it('shows what the device said, byte strings by their encoding', async () => {
    await send({ name: 'read', id: 'r' });
    const data = { raw: new Uint8Array([1, 2]) };
    await bench.answers('acme/pump-7', 'r', 'progress', data);
    await bench.ask('DELETE', '/commands/r', { as: 'olga' });
    await bench.answers('acme/pump-7', 'r', 'done', data);
    const { body } = await bench.ask('GET', '/commands/r', { as: 'vera' });
    const shown = { data: { raw: { base64: 'AQI=' } } };
    expect((body as CommandView).timeline).toMatchObject([
      { status: 'queued' },
      { status: 'progress', ...shown },
      { status: 'cancelled' },
      { status: 'done', ...shown, late: true },
    ]);
  });

  it('of an unknown device, or of an unknown id, is 404', async () => {
    for (const path of ['/devices/acme/none/commands', '/commands/none'])
      expect((await bench.ask('GET', path, { as: 'vera' })).status).toBe(404);
  });

  it('by an admin asks whose it is, where two customers gave the same id', async () => {
    await send({ name: 'a', id: 'same' });
    await send({ name: 'b', id: 'same' }, '/devices/beta/pump-7/commands', 'boss');
    const detail = 'Commands of several customers have this id (acme, beta); add ?customer=.';
    const ask = (query: string, as: string) => bench.ask('GET', `/commands/same${query}`, { as });
    expect(await ask('', 'boss')).toMatchObject({ status: 409, body: { code: 'conflict', detail } });
    expect(await ask('?customer=beta', 'boss')).toMatchObject({ status: 200, body: { name: 'b' } });
    expect(await ask('', 'vera')).toMatchObject({ status: 200, body: { name: 'a' } });
    expect((await ask('?customer=beta', 'vera')).status).toBe(404);
  });
});

describe('taking commands back', () => {
  it('cancels one, and says who did', async () => {
    await send({ name: 'reboot', id: 'r' });
    const { status, body } = await bench.ask('DELETE', '/commands/r', { as: 'olga' });
    expect([status, body]).toMatchObject([200, { status: 'cancelled', timeline: [{}, { by: 'olga' }] }]);
  });

  it('of one that is finished is 409 and changes nothing', async () => {
    await send({ name: 'reboot', id: 'r' });
    await bench.answers('acme/pump-7', 'r', 'done');
    const answer = await bench.ask('DELETE', '/commands/r', { as: 'olga' });
    const detail = 'The command is done; there is nothing to cancel.';
    expect(answer).toMatchObject({ status: 409, body: { code: 'conflict', detail } });
    expect(await bench.sent()).toMatchObject([{ status: 'done' }]);
  });

  it('of everything that waits spares what the device has accepted', async () => {
    for (const id of ['a', 'b', 'c']) await send({ name: 'ping', id });
    await bench.answers('acme/pump-7', 'a', 'accepted');
    const { body } = await bench.ask('DELETE', PATH, { as: 'olga' });
    expect(body).toEqual({ cancelled: 2 });
    const statuses = (await bench.sent()).map(({ status }) => status);
    expect(statuses).toEqual(['accepted', 'cancelled', 'cancelled']);
  });
});
