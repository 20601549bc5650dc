/** What was refused is in the audit too: whoever reaches for what is not theirs leaves a trace. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BURST } from '../../broker/access/failed-attempts.ts';
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
  const { by, customer, action, target, outcome, detail } = (await bench.entries()).at(-1) ?? {};
  return { by, customer, action, target, outcome, detail: JSON.parse(detail ?? 'null') };
};

describe('what was refused', () => {
  it('a viewer that tries to send: 403, and an entry that its operators see', async () => {
    expect((await ask(`POST ${PUMP}/commands`, 'vera', { name: 'reboot' })).status).toBe(403);
    expect(await bench.sent()).toEqual([]);
    const outcome = 'refused: This needs a key with the role operator or admin; it has viewer.';
    expect(await last()).toMatchObject({
      by: 'vera',
      customer: 'acme',
      target: 'acme/pump-7',
      action: 'command.send',
      outcome,
    });
  });

  it.each<[string, object | undefined, string, string]>([
    ['POST /devices/beta/pump-1/commands', { name: 'x' }, 'command.send', 'beta/pump-1'],
    ['POST /devices/beta/none/commands', { name: 'x' }, 'command.send', 'beta/none'],
    ['DELETE /devices/beta/pump-1/commands', undefined, 'command.cancel', 'beta/pump-1'],
    ['PUT /devices/beta/pump-1/desired', {}, 'desired.put', 'beta/pump-1'],
    ['PATCH /devices/beta/pump-1/desired', {}, 'desired.patch', 'beta/pump-1'],
    ['DELETE /devices/beta/pump-1', undefined, 'device.forget', 'beta/pump-1'],
    ['DELETE /commands/theirs', undefined, 'command.cancel', 'command theirs'],
    ['DELETE /jobs/id1', undefined, 'job.cancel', 'job id1'],
    ['POST /commands', { select: { customer: 'beta' }, name: 'x' }, 'job.create', 'beta/+'],
  ])(
    'an operator that reaches for another customer by %s: 404, and an entry of its own',
    async (line, body, action, target) => {
      await ask('POST /devices/beta/pump-1/commands', 'boss', { name: 'x', id: 'theirs' });
      await ask('POST /commands', 'boss', { select: { customer: 'beta' }, name: 'x' });
      await rest();
      const before = await bench.sent();
      expect((await ask(line, 'olga', body)).status).toBe(404);
      expect(await last()).toMatchObject({
        by: 'olga',
        customer: 'acme',
        action,
        target,
        outcome: 'refused: not found',
      });
      expect(before.map(({ id, status }) => [id, status])).toEqual([
        ['theirs', 'queued'],
        ['id1.0', 'queued'],
      ]);
      expect(await bench.sent()).toEqual(before);
      expect(bench.fleet.find('beta', 'pump-1')).not.toBeNull();
    },
  );

  it('by the hub, with its reason', async () => {
    bench = await startAdmin({ limits: { waitingPerDevice: 1 } });
    bench.fleet.obtain('acme', 'pump-7');
    await ask(`POST ${PUMP}/commands`, 'olga', { name: 'reboot' });
    await ask(`POST ${PUMP}/commands`, 'olga', { name: 'reboot' });
    const outcome = expect.stringMatching(/^refused: The limit commands.waitingPerDevice of 1 commands/);
    expect(await last()).toMatchObject({ outcome, target: 'acme/pump-7' });
  });

  it('by a failure of the broker itself, without its cause', async () => {
    bench = await startAdmin({ forget: () => Promise.reject(new Error('/var/lib/secret is full')) });
    expect((await ask(`DELETE ${PUMP}`, 'olga')).status).toBe(500);
    expect(await last()).toMatchObject({
      action: 'device.forget',
      outcome: expect.stringMatching(/^failed: /),
    });
    expect(JSON.stringify(await bench.entries())).not.toContain('secret');
  });

  it('a body that says nothing of use still has an entry', async () => {
    expect((await ask('POST /commands', 'olga', '{"select":{"customer":{"a":1}}}')).status).toBe(400);
    expect(await last()).toMatchObject({ action: 'job.create', target: 'acme/+' });
    expect((await ask('POST /commands', 'olga')).status).toBe(400);
    expect(await last()).toMatchObject({ action: 'job.create', target: 'acme/+' });
  });

  it('reading leaves nothing, and neither does a key that is not valid', async () => {
    await ask('GET /devices/beta/pump-1/commands', 'olga');
    await ask(`POST ${PUMP}/commands`, 'nobody', { name: 'x' });
    expect(await bench.entries()).toEqual([]);
  });

  it('without end does not fill the disk: what is left out is counted', async () => {
    const refused = () => ask(`POST ${PUMP}/commands`, 'vera', { name: 'x' });
    for (let tries = 0; tries < BURST + 3; tries += 1) await refused();
    expect(await bench.entries()).toHaveLength(BURST);
    await ask(`POST ${PUMP}/commands`, 'olga', { name: 'x' });
    bench.clock.advance(2000);
    await refused();
    expect(await bench.entries()).toHaveLength(BURST + 2);
    expect((await last()).detail).toEqual({ leftOut: 3 });
  });
});
