import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeviceSummary, State } from '../../schemas/api.ts';
import { refusing, scripted } from './scripted.ts';
import { KEY, run } from './terminal.ts';

const HOUR = 3_600_000;
const NOW = 1_780_000_000_000;

// Ages are told to the second; the clock stands still, so that a busy machine tells the same.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterEach(() => void vi.useRealTimers());

function pump(changes: Partial<DeviceSummary> = {}): DeviceSummary {
  const presence = { state: 'online', session: 's1', since: NOW - HOUR, reason: null } as const;
  return {
    device: 'acme/pump-7',
    customer: 'acme',
    id: 'pump-7',
    online: true,
    connectedAt: NOW - HOUR,
    lastSeenAt: NOW - 3000,
    lastDataAt: NOW - 3 * HOUR,
    clock: 'ok',
    model: 'P7',
    firmware: '1.0',
    label: null,
    tags: [],
    notes: null,
    presence,
    metrics: 4,
    ...changes,
  };
}

const NEW = pump({
  device: 'acme/pump-9',
  id: 'pump-9',
  online: false,
  connectedAt: null,
  lastSeenAt: null,
  lastDataAt: null,
  model: null,
  label: 'North hall',
  tags: ['hall', 'new'],
  presence: { state: 'offline', session: null, since: null, reason: null },
});

describe('signalbox device set', () => {
  it('makes a device known that has not connected yet', async () => {
    const missing = refusing('not-found', 'There is no device that this key may see.');
    const { url, asked } = await scripted(missing, { status: 201, body: NEW });
    const given = ['--label', 'North hall', '--tag', 'hall', '--tag', 'new'];
    const { code, out } = await run('device', 'add', 'acme/pump-9', ...given, '--url', url, '--key', KEY);
    expect(code).toBe(0);
    expect(asked[1]).toMatchObject({
      line: 'PUT /api/v1/devices/acme/pump-9',
      body: { label: 'North hall', tags: ['hall', 'new'], notes: '' },
    });
    expect(out).toContain('state      never seen');
    expect(out).toContain('label      North hall');
    expect(out).toContain('tags       hall, new');
  });

  it('keeps what is not given, and takes away what is given as empty', async () => {
    const { url, asked } = await scripted({ body: NEW }, { body: NEW });
    await run('device', 'set', 'acme/pump-9', '--tag', '', '--notes', 'Valve', '--url', url, '--key', KEY);
    expect(asked[1]?.body).toEqual({ label: 'North hall', tags: [], notes: 'Valve' });
  });

  it('asks for nothing more where it may not read', async () => {
    const { url, asked } = await scripted(refusing('forbidden', 'No.'));
    const { code } = await run('device', 'set', 'acme/pump-9', '--url', url, '--key', KEY);
    expect([code, asked.length]).toEqual([1, 1]);
  });
});

describe('signalbox device list', () => {
  it('shows who is connected, and the age of what is known', async () => {
    const { url, asked } = await scripted({ body: { items: [pump()], next: null } });
    const { code, out } = await run('device', 'list', '--url', url, '--key', KEY);
    expect(code).toBe(0);
    expect(out).toEqual([
      'DEVICE       STATE   LAST SEEN  LAST DATA  CLOCK  MODEL  LABEL',
      'acme/pump-7  online  3 s ago    3 h ago    ok     P7     -',
    ]);
    expect(asked[0]?.line).toBe('GET /api/v1/devices?limit=1000');
  });

  it('says of a device that has not connected yet that it was never seen', async () => {
    const { url } = await scripted({ body: { items: [NEW], next: null } });
    const { out } = await run('device', 'list', '--url', url, '--key', KEY);
    expect(out[1]).toBe('acme/pump-9  never seen  never      never      ok     -      North hall');
  });

  it('asks for a part of the fleet', async () => {
    const { url, asked } = await scripted({ body: { items: [], next: null } });
    const part = ['--customer', 'acme', '--offline', '--search', 'pu mp&'];
    const { out } = await run('device', 'list', ...part, '--url', url, '--key', KEY);
    expect(out).toEqual(['No devices.']);
    const query = new URLSearchParams(asked[0]?.line.split('?')[1]);
    expect(Object.fromEntries(query)).toEqual({
      customer: 'acme',
      q: 'pu mp&',
      online: 'false',
      limit: '1000',
    });
  });

  it('takes --online or --offline, not both', async () => {
    const { code, err } = await run('device', 'list', '--online', '--offline');
    expect(code).toBe(2);
    expect(err[0]).toMatch(/--offline.*cannot be used with.*--online/);
  });

  it('does not let a device steer the terminal', async () => {
    const model = '\u001b]0;owned\u0007\u202eP7\nacme/fake  online';
    const { url } = await scripted({ body: { items: [pump({ model })], next: null } });
    const listed = await run('device', 'list', '--url', url, '--key', KEY);
    expect(listed.out).toHaveLength(2);
    expect(listed.out[1]).toContain('\\u{1b}]0;owned\\u{7}\\u{202e}P7\\u{a}acme/fake');
    expect(listed.out[1]).toMatch(/^\P{C}*$/u);
  });
});

describe('signalbox device show and forget', () => {
  it('shows why and since when a device is away', async () => {
    const since = NOW;
    const presence = { state: 'offline', session: 's1', since, reason: 'no-heartbeat' } as const;
    const { url, asked } = await scripted({
      body: pump({ online: false, connectedAt: null, presence, firmware: null }),
    });
    const { out } = await run('device', 'show', 'acme/pump-7', '--url', url, '--key', KEY);
    expect(asked[0]?.line).toBe('GET /api/v1/devices/acme/pump-7');
    expect(out).toContain('state      offline since 2026-05-28T20:26:40Z');
    expect(out).toContain('reason     no-heartbeat');
    expect(out).toContain('firmware   -');
  });

  it('shows what the device said of itself, and what it says cannot steer the terminal', async () => {
    const { url } = await scripted({
      body: pump({ maxFrame: 4096, meta: { site: 'north\u001b[2J', floor: 2 } }),
    });
    const { out } = await run('device', 'show', 'acme/pump-7', '--url', url, '--key', KEY);
    expect(out).toContain('max frame  4096 bytes');
    expect(out.slice(-2)).toEqual(['meta.site  north\\u{1b}[2J', 'meta.floor 2']);
  });

  it.each([
    ['asleep', NOW + HOUR],
    ['overdue', NOW - 1],
  ])('shows that a device is %s, and when it wants to be back (P-7.5)', async (state, overdueAt) => {
    const presence = { state: 'offline', session: 's1', since: NOW - HOUR, reason: 'asleep' } as const;
    const asleep = { until: NOW - 2, overdueAt };
    const body = pump({ online: false, connectedAt: null, presence, asleep });
    const { url } = await scripted({ body }, { body: { items: [body], next: null } });
    const { out } = await run('device', 'show', 'acme/pump-7', '--url', url, '--key', KEY);
    expect(out).toContain(
      `state      ${state} since 2026-05-28T19:26:40Z, to be back at ${new Date(NOW - 2).toISOString().replace(/\.\d+/, '')}`,
    );
    const listed = await run('device', 'list', '--url', url, '--key', KEY);
    expect(listed.out[1]).toMatch(new RegExp(`^acme/pump-7 +${state} `));
  });

  it('forgets', async () => {
    const { url, asked } = await scripted({ status: 204 });
    const { code, out } = await run('device', 'forget', 'acme/pump-7', '--url', url, '--key', KEY);
    expect({ code, out }).toEqual({ code: 0, out: ['acme/pump-7 is forgotten.'] });
    expect(asked[0]?.line).toBe('DELETE /api/v1/devices/acme/pump-7');
  });

  it.each(['pump-7', 'acme/', '/pump-7', 'acme/pump/7', 'acme/..', 'acme/+'])(
    'does not take %j for a device',
    async (name) => {
      const { code, err } = await run('device', 'show', name, '--key', KEY);
      expect({ code, err }).toEqual({
        code: 2,
        err: [`"${name}" is not CUSTOMER/DEVICE, such as acme/pump-7.`],
      });
    },
  );

  it('without a name is told that one is missing', async () => {
    const { code, err } = await run('device', 'forget');
    expect(code).toBe(2);
    expect(err[0]).toMatch(/missing required argument 'customer\/device'/);
  });
});

describe('signalbox state', () => {
  const state: State = {
    device: 'acme/pump-7',
    online: false,
    connectedAt: null,
    lastSeenAt: NOW - 90_000,
    lastDataAt: NOW - 90_000,
    clock: 'ok',
    values: {
      temp: { value: 21.5, at: NOW - 100_000, receivedAt: NOW - 90_000 },
      mode: { value: 'auto\u001b[2J', at: NOW - 5 * 86_400_000, receivedAt: NOW - 90_000 },
      raw: { value: { base64: 'AQI=' }, at: NOW - 10 * 60_000, receivedAt: NOW - 90_000 },
    },
  };

  it('shows every value with its age', async () => {
    const { url, asked } = await scripted({ body: state });
    const { out } = await run('state', 'acme/pump-7', '--url', url, '--key', KEY);
    expect(asked[0]?.line).toBe('GET /api/v1/devices/acme/pump-7/state');
    expect(out).toEqual([
      'acme/pump-7 is offline, last seen 90 s ago, clock ok',
      '',
      'METRIC  VALUE              MEASURED    RECEIVED',
      'temp    21.5               100 s ago   90 s ago',
      'mode    auto\\u{1b}[2J      5 d ago     90 s ago',
      'raw     {"base64":"AQI="}  10 min ago  90 s ago',
    ]);
  });

  it('is machine-readable with --json, exactly as the broker said it', async () => {
    const { url } = await scripted({ body: state });
    const { out } = await run('state', 'acme/pump-7', '--json', '--url', url, '--key', KEY);
    expect(JSON.parse(out.join('\n'))).toEqual(state);
  });

  it('of a device that nobody knows exits with 1', async () => {
    const { url } = await scripted(refusing('not-found', 'There is no such device.'));
    const { code, err } = await run('state', 'acme/none', '--url', url, '--key', KEY);
    expect({ code, err }).toEqual({ code: 1, err: ['No such thing: There is no such device.'] });
  });
});
