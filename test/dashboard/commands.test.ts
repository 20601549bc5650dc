/** A device's commands as the page keeps them, and the form as a request. */
import { describe, expect, it } from 'vitest';
import { Attempts, CommandHistory, isFinal, readRequest } from '../../dashboard/device/command-model.ts';
import type { CommandStepView, CommandView } from '../../schemas/api.ts';

function command(id: string, createdAt: number, ...timeline: CommandStepView[]): CommandView {
  const steps: CommandStepView[] = [{ status: 'queued', at: createdAt, by: 'oper1234' }, ...timeline];
  return {
    id,
    device: 'acme/pump-7',
    name: 'valve',
    args: null,
    status: steps.at(-1)?.status ?? 'queued',
    createdAt,
    expiresAt: createdAt + 60_000,
    endedAt: null,
    attempts: 0,
    by: 'oper1234',
    timeline: steps,
  };
}

const written: CommandStepView = { status: 'written', at: 20, session: 's1', attempt: 1 };
const done: CommandStepView = { status: 'done', at: 30, session: 's1' };

describe('the commands of a device', () => {
  const ids = (history: CommandHistory) => history.all.map(({ id }) => id);

  it('stand newest first, however they come', () => {
    const history = new CommandHistory(10);
    history.add([command('b', 2), command('a', 1)]);
    history.add([command('c', 3)]);
    expect(ids(history)).toEqual(['c', 'b', 'a']);
  });

  it('never go back: a list that was read before a live step arrives after it', () => {
    const history = new CommandHistory(10);
    history.add([command('a', 1, written, done)]);
    history.add([command('a', 1, written)]);
    expect(history.all.map(({ status }) => status)).toEqual(['done']);
    history.add([command('a', 1, written, done, { status: 'done', at: 40, late: true })]);
    expect(history.all[0]?.timeline).toHaveLength(4);
  });

  it('take the newer of two that have as many steps: the last progress of very many is replaced', () => {
    const history = new CommandHistory(10);
    history.add([command('a', 1, { status: 'progress', at: 9, data: { percent: 90 } })]);
    history.add([command('a', 1, { status: 'progress', at: 8, data: { percent: 80 } })]);
    expect(history.all[0]?.timeline.at(-1)?.data).toEqual({ percent: 90 });
    const waits = { ...command('a', 1, { status: 'progress', at: 9 }), waitingFor: 'device offline' };
    history.add([waits]);
    expect(history.all[0]?.waitingFor).toBe('device offline');
  });

  it('are bounded: the oldest fall out, and come again where there is room', () => {
    const history = new CommandHistory(2);
    history.add([command('c', 3), command('b', 2), command('a', 1)]);
    expect(ids(history)).toEqual(['c', 'b']);
    history.grow(3);
    history.grow(1);
    expect(history.capacity).toBe(3);
    history.add([command('a', 1)]);
    expect(ids(history)).toEqual(['c', 'b', 'a']);
  });

  it('are final in five states only', () => {
    const final = (status: CommandView['status']) => isFinal({ ...command('a', 1), status });
    expect(['done', 'failed', 'rejected', 'expired', 'cancelled'].every((one) => final(one as 'done'))).toBe(
      true,
    );
    expect(['queued', 'written', 'accepted', 'progress'].some((one) => final(one as 'queued'))).toBe(false);
  });
});

describe('the form', () => {
  const empty = { name: 'set-speed', args: '', ttl: '', supersede: '' };

  it('leaves out what is left empty', () => {
    expect(readRequest(empty)).toEqual({ request: { name: 'set-speed' } });
    expect(readRequest({ ...empty, args: ' \n', ttl: ' ', supersede: ' ' })).toEqual({
      request: { name: 'set-speed' },
    });
  });

  it('reads all of it', () => {
    expect(
      readRequest({ name: ' valve ', args: '{"open": [1, null]}', ttl: '10m', supersede: 'valve' }),
    ).toEqual({
      request: { name: 'valve', args: { open: [1, null] }, ttl: 600, supersede: 'valve' },
    });
  });

  it.each([
    ['0', 0],
    ['90', 90],
    ['1.5', 1.5],
    ['30 s', 30],
    ['2h', 7200],
    ['1d', 86_400],
    ['60s', 60],
  ])('reads a time to live of %s', (ttl, seconds) => {
    expect(readRequest({ ...empty, ttl })).toEqual({ request: { name: 'set-speed', ttl: seconds } });
  });

  it.each(['-1', 'soon', '1y', '1e3', 'NaN'])(
    'refuses a time to live of %s, which it does not guess',
    (ttl) => {
      expect(readRequest({ ...empty, ttl })).toMatchObject({
        field: 'ttl',
        problem: expect.stringContaining('10m'),
      });
    },
  );

  it.each([
    ['', 'Say what the device should do.'],
    ['set speed', 'A name is letters'],
    ['7up', 'A name is letters'],
    ['x'.repeat(65), 'A name is letters'],
  ])('refuses the name "%s" (P-1.4)', (name, problem) => {
    expect(readRequest({ ...empty, name })).toMatchObject({
      field: 'name',
      problem: expect.stringContaining(problem),
    });
  });

  it('says what is wrong with the arguments', () => {
    expect(readRequest({ ...empty, args: '{"a": 1' })).toMatchObject({
      field: 'args',
      problem: expect.stringMatching(/^This is not valid JSON: .*\.$/),
    });
  });

  it('refuses a supersede word that is too long', () => {
    expect(readRequest({ ...empty, supersede: 'x'.repeat(65) })).toMatchObject({ field: 'supersede' });
  });
});

describe('an attempt to send', () => {
  it('that got no answer has the same id the next time, so that the command cannot double', () => {
    const attempts = new Attempts();
    const first = attempts.idFor({ name: 'reboot' });
    expect(first).toMatch(/^[A-Za-z0-9_.:-]{1,64}$/);
    expect(attempts.idFor({ name: 'reboot' })).toBe(first);
    expect(attempts.idFor({ name: 'reboot', ttl: 5 })).not.toBe(first);
  });

  it('that was answered is over: the same again is a new command', () => {
    const attempts = new Attempts();
    const first = attempts.idFor({ name: 'reboot' });
    attempts.settled();
    expect(attempts.idFor({ name: 'reboot' })).not.toBe(first);
  });
});
