import { describe, expect, it } from 'vitest';
import { ROLES } from '../../schemas/roles.ts';
import { refusing, scripted } from './scripted.ts';
import { KEY, run } from './terminal.ts';

const MADE = {
  id: 'Ab3dEf7h',
  customer: 'acme',
  device: 'pump-7',
  role: 'device',
  createdAt: 1_780_000_000_000,
  key: KEY,
};

describe('signalbox key create', () => {
  it('prints the secret alone on stdout, and what it is for on stderr', async () => {
    const { url, asked } = await scripted({ status: 201, body: MADE });
    const args = ['--customer', 'acme', '--device', 'pump-7', '--expires', '90d', '--label', 'cellar'];
    const { code, out, err } = await run('key', 'create', ...args, '--url', url, '--key', KEY);
    expect({ code, out }).toEqual({ code: 0, out: [KEY] });
    expect(err).toEqual(['Key Ab3dEf7h (device, acme/pump-7). It is shown only now:']);
    expect(asked).toEqual([
      {
        line: 'POST /api/v1/keys',
        authorization: `Bearer ${KEY}`,
        body: { customer: 'acme', device: 'pump-7', role: 'device', label: 'cellar', expiresIn: 90 * 86_400 },
      },
    ]);
  });

  it('prints all of it as JSON', async () => {
    const { url } = await scripted({ status: 201, body: MADE });
    const { out, err } = await run(
      'key',
      'create',
      '--customer',
      'acme',
      '--json',
      '--url',
      url,
      '--key',
      KEY,
    );
    expect(JSON.parse(out.join('\n'))).toEqual(MADE);
    expect(err).toEqual([]);
  });

  it('makes an admin without a customer, and nobody else', async () => {
    const { url, asked } = await scripted({ status: 201, body: { ...MADE, customer: '*', role: 'admin' } });
    const admin = await run('key', 'create', '--role', 'admin', '--url', url, '--key', KEY);
    expect(admin.err[0]).toContain('every customer');
    expect(asked[0]?.body).toEqual({ role: 'admin' });
    const viewer = await run('key', 'create', '--role', 'viewer', '--url', url, '--key', KEY);
    expect(viewer).toMatchObject({ code: 2, err: ['Say whose key it is with --customer.'] });
    expect(asked).toHaveLength(1);
  });

  it.each([
    [['--expires', 'soon'], /90d, 24h, 30m or 60s/],
    [['--expires', '5'], /90d, 24h, 30m or 60s/],
    [['--role', 'boss'], new RegExp(ROLES.join(', '))],
    [['--custmer', 'acme'], /Did you mean --customer\?/],
    [['acme'], /too many arguments/],
  ])('with %j is told what is possible', async (args, message) => {
    const { code, err } = await run('key', 'create', ...args);
    expect(code).toBe(2);
    expect(err.join('\n')).toMatch(message);
    expect(err.join('\n')).toMatch(/--help/);
  });
});

describe('signalbox key list', () => {
  it('shows the keys in a table, those of every page', async () => {
    const { key: _secret, ...first } = MADE;
    const second = {
      ...first,
      id: 'Zz000000',
      role: 'viewer',
      device: undefined,
      expiresAt: 1_790_000_000_000,
      label: 'wall',
    };
    const { url, asked } = await scripted(
      { body: { items: [first], next: 'c2' } },
      { body: { items: [second], next: null } },
    );
    const { code, out } = await run('key', 'list', '--customer', 'acme', '--url', `${url}/`, '--key', KEY);
    expect(code).toBe(0);
    expect(out).toEqual([
      'ID        CUSTOMER  DEVICE  ROLE    LABEL  EXPIRES               LAST USED',
      'Ab3dEf7h  acme      pump-7  device  -      -                     never',
      'Zz000000  acme      -       viewer  wall   2026-09-21T14:13:20Z  never',
    ]);
    expect(asked.map(({ line }) => line)).toEqual([
      'GET /api/v1/keys?customer=acme&limit=1000',
      'GET /api/v1/keys?customer=acme&limit=1000&cursor=c2',
    ]);
  });
});

describe('signalbox key revoke and rotate', () => {
  it('revokes by the id', async () => {
    const { url, asked } = await scripted({ status: 204 });
    const { code, out } = await run('key', 'revoke', 'Ab3dEf7h', '--url', url, '--key', KEY);
    expect({ code, out }).toEqual({ code: 0, out: ['Key Ab3dEf7h is revoked.'] });
    expect(asked[0]?.line).toBe('DELETE /api/v1/keys/Ab3dEf7h');
  });

  it('says so when there is no such key', async () => {
    const { url } = await scripted(refusing('not-found', 'There is no such key.'));
    const { code, out, err } = await run('key', 'revoke', 'nothing', '--url', url, '--key', KEY);
    expect({ code, out, err }).toEqual({ code: 1, out: [], err: ['No such thing: There is no such key.'] });
  });

  it('sends the id as one part of the path, whatever it holds', async () => {
    const { url, asked } = await scripted({ status: 204 });
    await run('key', 'revoke', '../devices/acme/pump-7', '--url', url, '--key', KEY);
    expect(asked[0]?.line).toBe('DELETE /api/v1/keys/..%2Fdevices%2Facme%2Fpump-7');
  });

  it.each([
    [[], 86_400],
    [['--overlap', '2h'], 7200],
    [['--overlap', '0s'], 0],
  ])('rotates with %j to an overlap of %i seconds', async (args, overlapSeconds) => {
    const { url, asked } = await scripted({ status: 201, body: MADE });
    const { out } = await run('key', 'rotate', 'Ab3dEf7h', ...args, '--url', url, '--key', KEY);
    expect(out).toEqual([KEY]);
    expect(asked).toMatchObject([{ line: 'POST /api/v1/keys/Ab3dEf7h/rotate', body: { overlapSeconds } }]);
  });
});
