/** A device in Python, from schemas/PROTOCOL.md alone (test/python/device.py), against a whole broker. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import type { DeviceSummary } from '../../schemas/api.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { eventually } from '../helpers/eventually.ts';
import { requires } from '../helpers/requires.ts';

const PROGRAM = join(import.meta.dirname, '../python/device.py');
const T0 = 1_780_000_000_000;

/** The lines that the device reports; throws with its traceback if it ended badly. */
async function dialogue(name: string, url: string, key: string): Promise<Record<string, unknown>[]> {
  const child = spawn('/usr/bin/python3', [PROGRAM, url, name], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { KEY: key },
  });
  const [[code], out, err] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`the device ended with ${code}: ${out}${err}`);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

async function get<Body>({ url, key }: TestBroker, path: string): Promise<Body> {
  const headers = { Authorization: `Bearer ${await key('admin', '*')}` };
  return (await (await fetch(`${url}/api/v1${path}`, { headers })).json()) as Body;
}

interface State {
  readonly values: Record<string, { value: unknown; at: number }>;
}

const state = (broker: TestBroker) => get<State>(broker, '/devices/acme/pump-7/state');

async function brokerAndKey(): Promise<[TestBroker, string]> {
  const broker = await startBroker();
  return [broker, await broker.key('device', 'acme', 'pump-7')];
}

requires('python3-websockets', 'python3-cbor2')('a device in Python, written from PROTOCOL.md', () => {
  it('sends telemetry by name, by position and in a batch, and an event, and is acknowledged', async () => {
    const [broker, key] = await brokerAndKey();
    expect(await dialogue('telemetry', broker.url, key)).toEqual([
      {
        welcome: ['keepalive', 'limits', 'session', 'time'],
        limits: ['bytesPerSecond', 'frameBytes', 'framesPerSecond', 'window'],
        durable: 0,
      },
      { subprotocol: 'signalbox.v1', acknowledged: 4 },
    ]);
    const { values } = await state(broker);
    expect(values).toMatchObject({
      temp: { value: 24.5, at: T0 + 3000 },
      rpm: { value: 1480, at: T0 + 4000 },
      ok: { value: true, at: T0 },
      mode: { value: 'auto', at: T0 },
    });
    const stats = await get<{ broker: { totals: object } }>(broker, '/stats');
    expect(stats.broker.totals).toMatchObject({ frames: 4, samples: 5, events: 1 });
  });

  it('is resumed after a cut; what it sends again is counted once (P-3.2, P-4.3)', async () => {
    const [broker, key] = await brokerAndKey();
    const [, first, resumed, last] = await dialogue('resume', broker.url, key);
    expect(first).toEqual({ acknowledged: 5 });
    expect(resumed?.durable).toBeGreaterThanOrEqual(5);
    expect(last).toEqual({ acknowledged: 8 });
    expect((await state(broker)).values).toMatchObject({ count: { value: 8, at: T0 + 8 } });
    const stats = await get<{ broker: { totals: object } }>(broker, '/stats');
    expect(stats.broker.totals).toMatchObject({ frames: 8, samples: 8 });
  });

  it('is refused with 401 and a wrong key (P-1.5)', async () => {
    const [broker, key] = await brokerAndKey();
    const wrong = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
    expect(await dialogue('wrong-key', broker.url, wrong)).toEqual([
      { refused: 401, type: 'application/problem+json' },
    ]);
  });

  it('is refused with 403 as another device than its key says (P-1.3)', async () => {
    const [broker, key] = await brokerAndKey();
    expect(await dialogue('wrong-device', broker.url, key)).toEqual([
      { refused: 403, type: 'application/problem+json' },
    ]);
  });

  it('corrects a hello that is refused, and then sends in the order of its fields (P-3.2)', async () => {
    const [broker, key] = await brokerAndKey();
    expect(await dialogue('corrected', broker.url, key)).toEqual([
      { kind: 20, first: 'bad-hello' },
      { kind: 20, first: 'bad-hello' },
      { kind: 17, first: 0 },
      { acknowledged: 1 },
    ]);
    expect((await state(broker)).values).toMatchObject({ temp: { value: 21.5 }, rpm: { value: 1450 } });
  });

  it('is told that frames are numbered from 1 (P-4.1)', async () => {
    const [broker, key] = await brokerAndKey();
    const [, ...seen] = await dialogue('from-zero', broker.url, key);
    expect(seen).toEqual([{ code: 'bad-seq', seq: 0 }, { acknowledged: 1 }]);
    expect((await state(broker)).values).toMatchObject({ temp: { value: 21 } });
  });

  it('goes to sleep, and operators see until when (P-7.5)', async () => {
    const [broker, key] = await brokerAndKey();
    await dialogue('sleep', broker.url, key);
    const seen = () => get<DeviceSummary>(broker, '/devices/acme/pump-7');
    await eventually(async () => expect((await seen()).presence.reason).toBe('asleep'));
    const { asleep, presence } = await seen();
    expect((asleep?.until ?? 0) - (presence.since ?? 0)).toBe(3_600_000);
  });

  it('hears by acks of a repetition that the broker is there, and that is no data (P-7.1, P-4.3)', async () => {
    const [broker, key] = await brokerAndKey();
    const [, ...seen] = await dialogue('listening', broker.url, key);
    expect(seen).toEqual([{ acknowledged: 1 }, { alive: 1 }, { alive: 1 }, { alive: 1 }]);
    const stats = await get<{ broker: { totals: object } }>(broker, '/stats');
    expect(stats.broker.totals).toMatchObject({ frames: 1, samples: 1 });
  });

  it('without a clock sends what it measured before a reboot, and the newest value stays the newest (P-4.4, P-4.6)', async () => {
    const [broker, key] = await brokerAndKey();
    await dialogue('clockless', broker.url, key);
    const { values } = await state(broker);
    const { temp, old } = values as Record<string, State['values'][string] & { receivedAt: number }>;
    expect([temp?.value, old?.value]).toEqual([21.5, 20.5]);
    expect((temp?.receivedAt ?? 0) - (temp?.at ?? 0)).toBe(1000);
    expect((old?.receivedAt ?? 0) - (old?.at ?? 0)).toBe(5000);
  });

  it.each([
    ['a text message', 'text', 1003, ['text-message']],
    ['a tagged item', 'tagged', 1007, ['tag-refused']],
    ['65 KiB', 'too-big', 1009, []],
  ])('is closed after %s, and nothing of it is stored (P-2)', async (_what, name, code, errors) => {
    const [broker, key] = await brokerAndKey();
    const [, end] = await dialogue(name, broker.url, key);
    expect(end).toEqual({ errors, code });
    expect((await state(broker)).values).toEqual({});
  });
});
