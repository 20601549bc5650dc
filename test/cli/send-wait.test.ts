/** `signalbox send --wait`: every step as it happens, whatever happens to the connection. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CommandView } from '../../schemas/api.ts';
import { someStats } from '../admin/some-stats.ts';
import { until } from '../helpers/eventually.ts';
import { type LiveBroker, liveBroker, type Viewer } from './live-broker.ts';
import { type Answer, refusing } from './scripted.ts';
import { ACCEPTED, DONE, QUEUED, someCommand, WRITTEN } from './some-command.ts';
import { KEY, type Printed, start } from './terminal.ts';

afterEach(() => void vi.restoreAllMocks());

const SNAPSHOT = { type: 'snapshot' as const, id: 1, page: 0, more: false, devices: [] };
const step = (...commands: CommandView[]) => ({ type: 'command' as const, commands });
const QUEUED_ONLY = someCommand([QUEUED], { waitingFor: 'device offline since noon' });

interface Waiting {
  readonly broker: LiveBroker;
  readonly viewer: Viewer;
  readonly printed: Printed;
  readonly code: Promise<number>;
}

/** Starts the command, and waits until it listens to the live channel. */
async function sending(answers: Answer[], ...args: string[]): Promise<Waiting> {
  const broker = await liveBroker(...answers);
  const send = ['send', 'acme/pump-7', 'reboot', '--id', 'c1', '--wait', ...args];
  const { printed, code } = start(...send, '--url', broker.url, '--key', KEY);
  return { broker, viewer: await broker.next(), printed, code };
}

describe('signalbox send --wait', () => {
  it('listens first, sends then, prints each step, and exits with 0 when it is done', async () => {
    const { broker, viewer, printed, code } = await sending([{ status: 201, body: QUEUED_ONLY }]);
    expect(viewer.asked).toMatchObject({ type: 'subscribe', topic: 'acme/pump-7' });
    expect(broker.asked).toEqual([]);
    viewer.say(SNAPSHOT);
    await until(() => printed.out.length === 1);
    viewer.say(step(someCommand([QUEUED, WRITTEN])), step(someCommand([QUEUED, WRITTEN, ACCEPTED])));
    await until(() => printed.out.length === 3);
    viewer.say(step(someCommand([QUEUED, WRITTEN, ACCEPTED, DONE])));
    expect(await code).toBe(0);
    expect(printed.out).toEqual([
      '20:26:40.250Z  queued     by Ab3dEf7h; device offline since noon',
      '20:26:41.250Z  written    attempt 1, session s1',
      '20:26:42.250Z  accepted   session s1',
      '20:26:43.250Z  done       session s1, {"took":3}',
    ]);
    expect(broker.asked.map(({ line }) => line)).toEqual(['POST /api/v1/devices/acme/pump-7/commands']);
    await until(() => viewer.socket.readyState === viewer.socket.CLOSED);
  });

  it.each(['failed', 'rejected', 'expired', 'cancelled'] as const)(
    'exits with 1 when it is %s',
    async (status) => {
      const { viewer, printed, code } = await sending([{ status: 201, body: QUEUED_ONLY }]);
      viewer.say(SNAPSHOT, step(someCommand([QUEUED, { status, reason: 'So it is.' }])));
      expect(await code).toBe(1);
      expect(printed.err).toEqual([`Command c1 for acme/pump-7: ${status} (So it is.)`]);
    },
  );

  it('is not confused by steps that come before the answer, or by other commands', async () => {
    const { viewer, printed, code } = await sending([{ status: 201, body: QUEUED_ONLY }]);
    const other = someCommand([QUEUED, DONE], { id: 'other' });
    const elsewhere = someCommand([QUEUED, DONE], { device: 'acme/pump-8' });
    viewer.say(step(other, elsewhere, someCommand([QUEUED, WRITTEN])), SNAPSHOT);
    await until(() => printed.out.length >= 2);
    viewer.say(step(someCommand([QUEUED, WRITTEN, DONE])));
    expect(await code).toBe(0);
    expect(printed.out.map((line) => line.split(/ +/)[1])).toEqual(['queued', 'written', 'done']);
  });

  it('reads the command again after a connection that was lost, and misses no step', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const answers = [
      { status: 201, body: QUEUED_ONLY },
      { body: someCommand([QUEUED, WRITTEN, ACCEPTED, DONE]) },
    ];
    const { broker, viewer, printed, code } = await sending(answers);
    viewer.say(SNAPSHOT);
    await until(() => printed.out.length === 1);
    viewer.socket.terminate();
    (await broker.next()).say(SNAPSHOT);
    expect(await code).toBe(0);
    expect(printed.out.map((line) => line.split(/ +/)[1])).toEqual(['queued', 'written', 'accepted', 'done']);
    expect(broker.asked[1]?.line).toBe('GET /api/v1/commands/c1?customer=acme');
    expect(printed.err).toEqual(['The connection was lost (1006). Trying again in 0.0 s.']);
  });

  it('reads the command again when the channel says that it has left some out', async () => {
    const answers = [{ status: 201, body: QUEUED_ONLY }, { body: someCommand([QUEUED, WRITTEN, DONE]) }];
    const { viewer, printed, code } = await sending(answers);
    viewer.say(SNAPSHOT);
    await until(() => printed.out.length === 1);
    viewer.say({ type: 'error', code: 'commands-missed', message: 'Some were left out.' });
    expect(await code).toBe(0);
  });

  it('reads the command again every few seconds, should the channel say nothing of it', async () => {
    const { broker, viewer, printed, code } = await sending([
      { status: 201, body: QUEUED_ONLY },
      { body: someCommand([QUEUED, DONE]) },
    ]);
    viewer.say(SNAPSHOT);
    await until(() => printed.out.length === 1);
    const stats = { type: 'stats' as const, stats: someStats({ total: 1, online: 1 }) };
    viewer.say(stats, stats, stats, stats, stats);
    expect(await code).toBe(0);
    expect(broker.asked).toHaveLength(2);
  });

  it('sends nothing when the live channel cannot be had', async () => {
    const { broker, viewer, printed, code } = await sending([]);
    viewer.say({ type: 'error', id: 1, code: 'not-found', message: 'The key shows nothing here.' });
    expect(await code).toBe(1);
    expect(printed.err).toEqual(['acme/pump-7: The key shows nothing here.']);
    expect(broker.asked).toEqual([]);
  });

  it('exits with 1 when the broker does not take it', async () => {
    const { viewer, printed, code } = await sending([
      refusing('too-many-commands', '100 wait; cancel some.'),
    ]);
    viewer.say(SNAPSHOT);
    expect(await code).toBe(1);
    expect(printed.err).toEqual(['Too many commands wait: 100 wait; cancel some.']);
  });

  it('prints the whole command as JSON at its end', async () => {
    const done = someCommand([QUEUED, DONE]);
    const { viewer, printed, code } = await sending([{ status: 201, body: QUEUED_ONLY }], '--json');
    viewer.say(SNAPSHOT, step(done));
    expect(await code).toBe(0);
    expect(JSON.parse(printed.out.join('\n'))).toEqual(done);
  });

  it('on Ctrl-C says that the command goes on', async () => {
    const { viewer, printed, code } = await sending([{ status: 201, body: QUEUED_ONLY }]);
    viewer.say(SNAPSHOT);
    await until(() => printed.out.length === 1);
    const listening = process.listenerCount('SIGINT');
    process.emit('SIGINT');
    expect(await code).toBe(1);
    const goesOn = 'The command goes on without you: signalbox command show c1, or command cancel c1.';
    expect(printed.err).toEqual([goesOn]);
    expect(process.listenerCount('SIGINT')).toBe(listening - 1);
  });
});
