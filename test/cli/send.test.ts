import { describe, expect, it } from 'vitest';
import { refusing, scripted } from './scripted.ts';
import { DONE, QUEUED, someCommand, WRITTEN } from './some-command.ts';
import { KEY, run } from './terminal.ts';

const OFFLINE = someCommand([QUEUED], { waitingFor: 'device offline since 2026-05-28T20:00:00.000Z' });

describe('signalbox send', () => {
  it('asks for what was said, the ttl in seconds, and shows where it stands', async () => {
    const { url, asked } = await scripted({ status: 201, body: OFFLINE });
    const args = [
      '--args',
      '{"in":5}',
      '--ttl',
      '2m',
      '--id',
      'c1',
      '--supersede',
      'power',
      '--expire-oldest',
    ];
    const { code, out } = await run('send', 'acme/pump-7', 'reboot', ...args, '--url', url, '--key', KEY);
    expect(code).toBe(0);
    expect(asked[0]?.line).toBe('POST /api/v1/devices/acme/pump-7/commands');
    const body = {
      name: 'reboot',
      id: 'c1',
      args: { in: 5 },
      ttl: 120,
      supersede: 'power',
      whenFull: 'expire-oldest',
    };
    expect(asked[0]?.body).toEqual(body);
    expect(out).toContain('status     queued');
    expect(out.at(-1)).toBe(
      '20:26:40.250Z  queued     by Ab3dEf7h; device offline since 2026-05-28T20:00:00.000Z',
    );
  });

  it('makes an id of its own, so that an answer that was lost can be asked for again', async () => {
    const { url, asked } = await scripted({ status: 201, body: OFFLINE });
    await run('send', 'acme/pump-7', 'reboot', '--url', url, '--key', KEY);
    expect(asked[0]?.body).toEqual({ name: 'reboot', id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  it('prints the command as JSON', async () => {
    const { url } = await scripted({ status: 201, body: OFFLINE });
    const { out } = await run('send', 'acme/pump-7', 'reboot', '--json', '--url', url, '--key', KEY);
    expect(JSON.parse(out.join('\n'))).toEqual(OFFLINE);
  });

  it.each([
    ['0', 0],
    ['60', 60],
    ['60s', 60],
    ['1.5', 1.5],
  ])('takes --ttl %s', async (ttl, seconds) => {
    const { url, asked } = await scripted({ status: 201, body: OFFLINE });
    await run('send', 'acme/pump-7', 'reboot', '--ttl', ttl, '--url', url, '--key', KEY);
    expect(asked[0]?.body).toMatchObject({ ttl: seconds });
  });

  it('now or never to a device that is offline exits with 1 and the reason', async () => {
    const reason = 'The device is not connected, and a ttl of 0 means now or never.';
    const failed = someCommand([QUEUED, { status: 'failed', reason }]);
    const { url, asked } = await scripted({ status: 201, body: failed });
    const { code, err } = await run(
      'send',
      'acme/pump-7',
      'reboot',
      '--ttl',
      '0s',
      '--url',
      url,
      '--key',
      KEY,
    );
    expect({ code, err }).toEqual({ code: 1, err: [`Command c1 for acme/pump-7: failed (${reason})`] });
    expect(asked[0]?.body).toMatchObject({ ttl: 0 });
  });

  it('by a viewer exits with 1 and what is missing', async () => {
    const { url } = await scripted(
      refusing('forbidden', 'This needs a key with the role operator or admin.'),
    );
    const { code, out, err } = await run('send', 'acme/pump-7', 'reboot', '--url', url, '--key', KEY);
    expect({ code, out }).toEqual({ code: 1, out: [] });
    expect(err).toEqual(['The key does not allow this: This needs a key with the role operator or admin.']);
  });

  it.each<[string[], RegExp]>([
    [['--args', '{"in":}'], /--args <json>.*It is not JSON: Unexpected token '}', "{"in":}".*Quote it/s],
    [['--args', '{"in":5'], /at position 7/],
    [['--args', 'in=5'], /It is not JSON/],
    [['--ttl', 'soon'], /Expected seconds or a duration, such as 60, 60s or 10m/],
    [['--wiat'], /Did you mean --wait\?/],
    [['now'], /too many arguments/],
  ])('with %j is told what is wrong, and asks nothing', async (args, message) => {
    const { code, out, err } = await run('send', 'acme/pump-7', 'reboot', ...args, '--key', KEY);
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err.join('\n')).toMatch(message);
  });
});

describe('signalbox command', () => {
  it('lists those of a device, and says when there are more', async () => {
    const done = someCommand([QUEUED, WRITTEN, DONE], { result: { took: 3 }, createdAt: Date.now() - 3000 });
    const { url, asked } = await scripted({ body: { items: [done, OFFLINE], next: 'c2' } });
    const { out, err } = await run(
      'command',
      'list',
      'acme/pump-7',
      '--limit',
      '2',
      '--url',
      url,
      '--key',
      KEY,
    );
    expect(asked[0]?.line).toBe('GET /api/v1/devices/acme/pump-7/commands?limit=2');
    expect(out[0]).toMatch(/^ID +NAME +STATUS +SENT +BY +WAITS FOR, RESULT OR REASON$/);
    expect(out[1]).toMatch(/^c1 +reboot +done +3 s ago +Ab3dEf7h +\{"took":3\}$/);
    expect(out[2]).toMatch(/queued .* device offline since/);
    expect(err).toEqual(['There are more; ask for them with --limit.']);
  });

  it('says in the list why one did not come to its end', async () => {
    const reason = 'The device did not accept it, though it was written 5 times.';
    const late = { status: 'done', session: 's2', late: true } as const;
    const failed = someCommand([QUEUED, { status: 'failed', reason }, late], { status: 'failed' });
    const { url } = await scripted({ body: { items: [failed], next: null } });
    const { out } = await run('command', 'list', 'acme/pump-7', '--url', url, '--key', KEY);
    expect(out[1]).toMatch(new RegExp(`${reason}$`));
  });

  it('shows one with every step, and nothing of it steers the terminal', async () => {
    const note = { status: 'progress', session: 's1', data: { note: '\u001b[2J' } } as const;
    const late = { status: 'failed', session: 's2', late: true } as const;
    const { url, asked } = await scripted({ body: someCommand([QUEUED, WRITTEN, note, DONE, late]) });
    const shown = await run('command', 'show', 'c1', '--customer', 'acme', '--url', url, '--key', KEY);
    expect(asked[0]?.line).toBe('GET /api/v1/commands/c1?customer=acme');
    expect(shown.out.slice(-5)).toEqual([
      '20:26:40.250Z  queued     by Ab3dEf7h',
      '20:26:41.250Z  written    attempt 1, session s1',
      '20:26:42.250Z  progress   session s1, {"note":"\\u001b[2J"}',
      '20:26:43.250Z  done       session s1, {"took":3}',
      '20:26:44.250Z  failed     session s2, late, it changed nothing',
    ]);
  });

  it('cancels one by its id, and with a device all that waits for it', async () => {
    const cancelled = someCommand([QUEUED, { status: 'cancelled', by: 'Ab3dEf7h' }]);
    const { url, asked } = await scripted({ body: cancelled }, { body: { cancelled: 3 } });
    const one = await run('command', 'cancel', 'c1', '--url', url, '--key', KEY);
    const all = await run('command', 'cancel', 'acme/pump-7', '--url', url, '--key', KEY);
    expect([one.out, all.out]).toEqual([
      ['Command c1 for acme/pump-7 is cancelled.'],
      ['Commands that waited for acme/pump-7 and are cancelled: 3.'],
    ]);
    const lines = ['DELETE /api/v1/commands/c1', 'DELETE /api/v1/devices/acme/pump-7/commands'];
    expect(asked.map(({ line }) => line)).toEqual(lines);
  });

  it('that is finished cannot be cancelled: exit 1', async () => {
    const { url } = await scripted(refusing('conflict', 'The command is done; there is nothing to cancel.'));
    const { code, err } = await run('command', 'cancel', 'c1', '--url', url, '--key', KEY);
    expect(code).toBe(1);
    expect(err[0]).toContain('The command is done; there is nothing to cancel.');
  });
});
