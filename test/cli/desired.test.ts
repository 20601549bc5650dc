import { describe, expect, it } from 'vitest';
import type { AuditEntryView, Documents } from '../../schemas/api.ts';
import { refusing, scripted } from './scripted.ts';
import { KEY, run } from './terminal.ts';

const documents = (): Documents => ({
  device: 'acme/pump-7',
  desired: { version: 3, values: { mode: 'auto', limit: 5 }, at: Date.now() - 3000, by: 'Ab3dEf7h' },
  reported: { version: 2, values: { mode: 'auto', limit: 4, fan: true }, at: Date.now() - 300_000 },
  difference: { limit: { desired: 5, reported: 4 } },
  inSync: false,
});

describe('signalbox desired', () => {
  it('shows desired, reported and the difference', async () => {
    const { url, asked } = await scripted({ body: documents() });
    const { code, out } = await run('desired', 'acme/pump-7', '--url', url, '--key', KEY);
    expect([code, asked[0]?.line]).toEqual([0, 'GET /api/v1/devices/acme/pump-7/desired']);
    expect(out).toEqual([
      'acme/pump-7: desired version 3, set 3 s ago by Ab3dEf7h; reported version 2, 5 min ago; they differ',
      '',
      'NAME   DESIRED  REPORTED',
      'fan    -        true',
      'limit  5        4         differs',
      'mode   auto     auto',
    ]);
  });

  it('says why the document is not sent to the device (P-3.2)', async () => {
    const obstacle = 'The desired document takes a frame of 9000 bytes.';
    const { url } = await scripted({ body: { ...documents(), obstacle } });
    const { out } = await run('desired', 'acme/pump-7', '--url', url, '--key', KEY);
    expect(out[1]).toBe(`not sent: ${obstacle}`);
  });

  it('says when there is nothing', async () => {
    const nothing = { device: 'acme/pump-7', desired: null, reported: null, difference: {}, inSync: true };
    const { url } = await scripted({ body: nothing });
    const { out } = await run('desired', 'acme/pump-7', '--url', url, '--key', KEY);
    expect(out).toEqual(['acme/pump-7: nothing is desired; nothing is reported; in sync']);
  });

  it.each([
    [['--set', '{"mode":"auto"}'], 'PUT', { mode: 'auto' }, undefined],
    [['--patch', '{"mode":null}', '--if-version', '3'], 'PATCH', { mode: null }, '"3"'],
    [['--set', '{}', '--if-version', '0'], 'PUT', {}, '"0"'],
  ])('with %j changes it', async (args, method, body, ifMatch) => {
    const { url, asked } = await scripted({ body: documents() });
    const { code } = await run('desired', 'acme/pump-7', ...args, '--json', '--url', url, '--key', KEY);
    expect(code).toBe(0);
    expect(asked).toMatchObject([{ line: `${method} /api/v1/devices/acme/pump-7/desired`, body }]);
    expect(asked[0]?.ifMatch).toBe(ifMatch);
  });

  it('that somebody else has changed exits with 1', async () => {
    const { url } = await scripted(
      refusing('precondition-failed', 'The version is 4; read it and try again.'),
    );
    const { code, err } = await run(
      'desired',
      'acme/p',
      '--set',
      '{}',
      '--if-version',
      '3',
      '--url',
      url,
      '--key',
      KEY,
    );
    expect({ code, err }).toEqual({
      code: 1,
      err: ['It has changed since you read it: The version is 4; read it and try again.'],
    });
  });

  it.each<[string[], RegExp]>([
    [['--set', '[1]'], /Expected a JSON object/],
    [['--patch', '{"a"}'], /It is not JSON/],
    [['--set', '{}', '--patch', '{}'], /cannot be used with/],
    [['--if-version', '3'], /goes with --set or --patch/],
  ])('with %j is told what is possible', async (args, message) => {
    const { code, err } = await run('desired', 'acme/pump-7', ...args, '--key', KEY);
    expect(code).toBe(2);
    expect(err.join('\n')).toMatch(message);
  });
});

describe('signalbox audit', () => {
  const entry: AuditEntryView = {
    number: 7,
    at: Date.UTC(2026, 4, 28, 20, 26, 40),
    by: 'Ab3dEf7h',
    customer: 'acme',
    action: 'command.send',
    target: 'acme/pump-7',
    detail: { command: 'c1', name: 'reboot' },
    outcome: null,
    outcomeAt: null,
  };

  it('shows who asked what of whom, and what became of it', async () => {
    const refused = { ...entry, detail: null, outcome: 'refused: not found\u0007' };
    const { url, asked } = await scripted({ body: { items: [entry, refused], next: 'n' } });
    const filter = [
      '--customer',
      'acme',
      '--by',
      'Ab3dEf7h',
      '--action',
      'command.',
      '--target',
      'acme/pump-7',
    ];
    const { code, out, err } = await run('audit', ...filter, '--limit', '2', '--url', url, '--key', KEY);
    expect(code).toBe(0);
    const query = new URLSearchParams(asked[0]?.line.split('?')[1]);
    expect(Object.fromEntries(query)).toEqual({
      customer: 'acme',
      by: 'Ab3dEf7h',
      action: 'command.',
      target: 'acme/pump-7',
      limit: '2',
    });
    expect(out[1]).toBe(
      '2026-05-28T20:26:40Z  Ab3dEf7h  command.send  acme/pump-7  not known yet            {"command":"c1","name":"reboot"}',
    );
    expect(out[2]).toContain('refused: not found\\u{7}');
    expect(err).toEqual(['There are more; ask for them with --limit.']);
  });

  it('is machine-readable', async () => {
    const { url } = await scripted({ body: { items: [entry], next: null } });
    const { out } = await run('audit', '--json', '--url', url, '--key', KEY);
    expect(JSON.parse(out.join('\n'))).toEqual([entry]);
  });
});
