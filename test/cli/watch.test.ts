import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LiveState } from '../../schemas/live.ts';
import { until } from '../helpers/eventually.ts';
import { nobodysAddress } from '../helpers/free-port.ts';
import { type LiveBroker, liveBroker, type Viewer } from './live-broker.ts';
import { refusing, scripted } from './scripted.ts';
import { QUEUED, someCommand, WRITTEN } from './some-command.ts';
import { KEY, type Printed, run, start } from './terminal.ts';

const AT = Date.UTC(2026, 4, 28, 20, 26, 40, 250);

const STATE: LiveState = {
  device: 'acme/pump-7',
  online: true,
  connectedAt: AT,
  since: AT,
  session: 's1',
  reason: null,
  lastSeenAt: AT,
  lastDataAt: AT,
  clock: 'ok',
  values: {
    temp: { value: 21.5, at: AT, receivedAt: AT },
    mode: { value: 'a\u001bb', at: AT, receivedAt: AT },
  },
};
const SNAPSHOT = { type: 'snapshot' as const, id: 1, page: 0, more: false, devices: [STATE] };
const FRESH = { lastSeenAt: AT, lastDataAt: AT, clock: 'ok' } as const;
const ENDED = [4003, 'The key was revoked.'] as const;

/** Starts the command and waits until the broker has its subscription. */
async function watching(
  broker: LiveBroker,
  ...args: string[]
): Promise<{ viewer: Viewer; printed: Printed; code: Promise<number> }> {
  const { printed, code } = start('watch', ...args, '--url', broker.url, '--key', KEY);
  return { viewer: await broker.next(), printed, code };
}

describe('signalbox watch', () => {
  it('asks for the topic with the key in a header, never in the URL', async () => {
    const broker = await liveBroker();
    const { viewer, code } = await watching(broker, 'acme/+');
    expect(viewer.asked).toEqual({ type: 'subscribe', id: 1, topic: 'acme/+' });
    expect(viewer.request.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(viewer.request.url).toBe('/v1/live');
    viewer.socket.close(...ENDED);
    await code;
  });

  it('watches everything without a topic', async () => {
    const broker = await liveBroker();
    const { viewer, code } = await watching(broker);
    expect(viewer.asked).toMatchObject({ topic: '+/+' });
    viewer.socket.close(...ENDED);
    await code;
  });

  it('prints state, changes, who comes and goes, and events, a line each', async () => {
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker);
    const { values: _values, ...connection } = STATE;
    viewer.say(
      SNAPSHOT,
      {
        type: 'update',
        devices: [
          { device: 'acme/pump-7', ...FRESH, values: { temp: { value: 22, at: AT, receivedAt: AT } } },
        ],
      },
      { type: 'update', devices: [{ device: 'acme/pump-7', ...FRESH, values: {} }] },
      {
        type: 'presence',
        devices: [
          { ...connection, online: false, reason: 'no-heartbeat', rev: 2 },
          {
            ...connection,
            online: false,
            reason: 'asleep',
            asleep: { until: AT + 3_600_000, overdueAt: AT + 3_960_000 },
            rev: 2,
          },
          { device: 'acme/pump-3', forgotten: true, rev: 3 },
        ],
      },
      {
        type: 'event',
        events: [
          {
            device: 'acme/pump-7',
            rev: 4,
            time: AT,
            receivedAt: AT,
            severity: 4,
            name: 'high',
            data: { bar: 9 },
          },
        ],
      },
    );
    viewer.socket.close(...ENDED);
    expect(await code).toBe(1);
    expect(printed.out).toEqual([
      '20:26:40.250Z  acme/pump-7              online  temp=21.5 mode=a\\u{1b}b',
      '20:26:40.250Z  acme/pump-7              temp=22',
      '20:26:40.250Z  acme/pump-7              offline (no-heartbeat)',
      '20:26:40.250Z  acme/pump-7              asleep until 2026-05-28T21:26:40Z',
      '-              acme/pump-3              forgotten',
      '20:26:40.250Z  acme/pump-7              event high severity 4 {"bar":9}',
    ]);
  });

  it('prints the newest step of each command', async () => {
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker);
    viewer.say({
      type: 'command',
      commands: [someCommand([QUEUED, WRITTEN]), someCommand([QUEUED], { id: 'c2' })],
    });
    viewer.socket.close(...ENDED);
    await code;
    expect(printed.out).toEqual([
      '20:26:41.250Z  acme/pump-7              command reboot c1 written  attempt 1, session s1',
      '20:26:40.250Z  acme/pump-7              command reboot c2 queued  by Ab3dEf7h',
    ]);
  });

  it('prints where desired and reported state stand', async () => {
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker);
    const desired = { version: 4, values: { interval: 30 }, at: AT, by: 'Ab3dEf7h' };
    const reported = { version: 4, values: { interval: 30 }, at: AT + 1000 };
    const documents = { device: 'acme/pump-7', desired, difference: { interval: { desired: 30 } } };
    viewer.say({
      type: 'desired',
      devices: [
        { ...documents, reported: null, inSync: false },
        { ...documents, reported, difference: {}, inSync: true },
        {
          ...documents,
          reported: null,
          inSync: false,
          difference: { a: {}, b: {}, c: {}, d: {}, e: {}, f: {} },
        },
        { device: 'acme/pump-8', tooLarge: true },
      ],
    });
    viewer.socket.close(...ENDED);
    await code;
    expect(printed.out).toEqual([
      '20:26:40.250Z  acme/pump-7              desired version 4, reported nothing, differs in interval',
      '20:26:41.250Z  acme/pump-7              desired version 4, reported version 4',
      '20:26:40.250Z  acme/pump-7              desired version 4, reported nothing, differs in a, b, c, d, e and 1 more',
      '-              acme/pump-8              desired or reported state changed, too large to be told',
    ]);
  });

  it('prints every message as a line of JSON with --json', async () => {
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker, '--json');
    viewer.say(SNAPSHOT);
    viewer.socket.close(...ENDED);
    await code;
    expect(printed.out.map((line) => JSON.parse(line))).toEqual([{ rev: 1, ...SNAPSHOT }]);
  });

  it('goes on after an error that is none of its subscription', async () => {
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker);
    viewer.say({ type: 'error', code: 'events-missed', message: 'Some events were left out.' }, SNAPSHOT);
    viewer.socket.close(...ENDED);
    await code;
    expect(printed.out[0]).toContain('Some events were left out.');
    expect(printed.out[1]).toContain('temp=21.5');
  });
});

describe('signalbox watch ends', () => {
  it('with 1 when the key does, and says so', async () => {
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker);
    viewer.say(SNAPSHOT);
    viewer.socket.close(...ENDED);
    expect(await code).toBe(1);
    expect(printed.err).toEqual(['The broker ended the connection: The key was revoked.']);
  });

  it('with 1 when the broker refuses the topic', async () => {
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker, 'globex/+');
    viewer.say({
      type: 'error',
      id: 1,
      code: 'not-found',
      message: 'The key shows nothing under this topic.',
    });
    expect(await code).toBe(1);
    expect(printed.err).toEqual(['globex/+: The key shows nothing under this topic.']);
  });

  it('with 2 for what cannot be a topic', async () => {
    const { code, err } = await run('watch', 'acme', '--key', KEY);
    expect(code).toBe(2);
    expect(err[0]).toMatch(/"acme" is not a topic: .* such as acme\/\+/);
  });

  it('with 1 when the first connection is refused, with the broker’s words', async () => {
    const { url } = await scripted(refusing('forbidden', 'A device key connects to /v1/device only.'));
    const { code, err } = await run('watch', '--url', url, '--key', KEY);
    expect(code).toBe(1);
    expect(err).toEqual(['The key does not allow this: A device key connects to /v1/device only.']);
  });

  it('with 1 when no broker is there at first', async () => {
    const url = await nobodysAddress();
    const { code, err } = await run('watch', '--url', url, '--key', KEY);
    expect(code).toBe(1);
    expect(err[0]).toMatch(/^No broker answers at /);
  });
});

describe('signalbox watch comes back', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('after a connection that was lost, and subscribes anew', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker, 'acme/+');
    viewer.say(SNAPSHOT);
    viewer.socket.close(1001, 'The broker is going away.');
    const second = await broker.next();
    expect(second.asked).toEqual({ type: 'subscribe', id: 1, topic: 'acme/+' });
    second.say(SNAPSHOT);
    second.socket.terminate();
    const third = await broker.next();
    third.socket.close(...ENDED);
    expect(await code).toBe(1);
    expect(printed.err).toEqual([
      'The connection was lost (1001): The broker is going away. Trying again in 0.0 s.',
      'The connection was lost (1006). Trying again in 0.0 s.',
      'The broker ended the connection: The key was revoked.',
    ]);
    expect(printed.out).toHaveLength(2);
  });

  it('after fifteen seconds without the stats that come every second: a dead connection says nothing', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const broker = await liveBroker();
    const { viewer, printed, code } = await watching(broker);
    for (const heard of [1, 2, 3]) {
      viewer.say(SNAPSHOT);
      await until(() => printed.out.length === heard);
      vi.advanceTimersByTime(10_000);
    }
    expect(printed.err).toEqual([]);
    vi.advanceTimersByTime(5000);
    await until(() => printed.err.length > 0);
    vi.advanceTimersByTime(0);
    vi.useRealTimers();
    const second = await broker.next();
    second.socket.close(...ENDED);
    expect(await code).toBe(1);
    expect(printed.err[0]).toBe('The connection was lost (1006). Trying again in 0.0 s.');
  });
});
