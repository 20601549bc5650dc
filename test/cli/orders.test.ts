/** The command line, a whole broker and a device: what an operator asks for reaches the device, and what it says comes back. */
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeHello, encodeReported, encodeResult } from '../../broker/wire/encode.ts';
import { type CommandFrame, type DesiredFrame, FRAME } from '../../broker/wire/frames.ts';
import type { AuditEntryView, CommandView } from '../../schemas/api.ts';
import { startBroker, type TestBroker } from '../helpers/broker.ts';
import { connect, type TestDevice } from '../helpers/device.ts';
import { eventually, until } from '../helpers/eventually.ts';
import { run, start } from './terminal.ts';

const ACCEPTED = 1;
const PROGRESS = 2;
const DONE = 3;
const FAILED = 4;

let broker: TestBroker;
let operator: readonly string[];
beforeEach(async () => {
  broker = await startBroker();
  operator = ['--url', broker.url, '--key', await broker.key('operator', 'acme')];
});

/** Connected and greeted. */
async function device(id: string): Promise<TestDevice> {
  const pump = await connect(broker.url, { key: await broker.key('device', 'acme', id) });
  pump.send(encodeHello({}));
  for (;;) if ((await pump.next()).kind === FRAME.ack) return pump;
}

async function nextCommand(pump: TestDevice): Promise<CommandFrame> {
  for (;;) {
    const frame = await pump.next();
    if (frame.kind === FRAME.command) return frame;
  }
}

async function nextDesired(pump: TestDevice): Promise<DesiredFrame> {
  for (;;) {
    const frame = await pump.next();
    if (frame.kind === FRAME.desired) return frame;
  }
}

/** Does every command that comes, by its name. */
async function answering(pump: TestDevice, commands: number): Promise<void> {
  for (let count = 0; count < commands; count += 1) {
    const { id, name, args } = await nextCommand(pump);
    pump.send(encodeResult(id, ACCEPTED));
    pump.send(encodeResult(id, PROGRESS, { percent: 50 }));
    pump.send(name === 'fail' ? encodeResult(id, FAILED, 'stuck') : encodeResult(id, DONE, { got: args }));
  }
}

async function audit(...filter: string[]): Promise<AuditEntryView[]> {
  const { out } = await run('audit', ...filter, '--json', ...operator);
  return JSON.parse(out.join('\n')) as AuditEntryView[];
}

describe('an operator at the command line', () => {
  it('sends a command, sees every step of it, and the audit tells its end', async () => {
    const answered = answering(await device('pump-7'), 1);
    const sent = await run('send', 'acme/pump-7', 'set', '--args', '{"a":[1]}', '--wait', ...operator);
    await answered;
    expect(sent.err).toEqual([]);
    expect(sent.code).toBe(0);
    const steps = sent.out.map((line) => line.split(/ +/)[1]);
    expect(steps).toEqual(['queued', 'written', 'accepted', 'progress', 'done']);
    expect(sent.out.at(-1)).toContain('{"got":{"a":[1]}}');
    expect(await audit('--action', 'command.send')).toMatchObject([
      { target: 'acme/pump-7', outcome: 'done' },
    ]);
  });

  it('hears of a command that failed, with 1 and what the device said', async () => {
    const answered = answering(await device('pump-7'), 1);
    const { code, err } = await run('send', 'acme/pump-7', 'fail', '--id', 'f1', '--wait', ...operator);
    await answered;
    expect(code).toBe(1);
    expect(err.at(-1)).toMatch(/^Command f1 for acme\/pump-7: failed \(.*stuck.*\)$/);
  });

  it('waits for a device that is off, and it gets the command when it comes back', async () => {
    const pump = await device('pump-7');
    pump.send(encodeResult('none', ACCEPTED));
    await pump.next();
    pump.socket.terminate();
    await pump.closed;
    const { printed, code } = start('send', 'acme/pump-7', 'reboot', '--id', 'r1', '--wait', ...operator);
    await until(() => printed.out.length > 0);
    await answering(await device('pump-7'), 1);
    expect(await code).toBe(0);
  });

  it('sends to a group, and waits for all of it', async () => {
    const pumps = await Promise.all(['pump-1', 'pump-2', 'pump-3'].map(device));
    const preview = ['job', 'create', '--customer', 'acme', '--q', 'pump', 'update'];
    const dry = await run(...preview, '--dry-run', ...operator);
    expect(dry.out.at(-1)).toBe('3 devices would get it.');
    const answered = pumps.map((pump) => answering(pump, 1));
    const { code, out } = await run(...preview, '--canary', '1', '--wait', '--json', ...operator);
    await Promise.all(answered);
    expect(code).toBe(0);
    const { id, counts } = JSON.parse(out.join('\n')) as { id: string; counts: object };
    expect(counts).toMatchObject({ done: 3 });
    const outcomes = await run('job', 'devices', id, ...operator);
    expect(outcomes.out.slice(1).every((line) => / done /.test(line))).toBe(true);
    expect(await audit('--action', 'job.create')).toMatchObject([{ target: 'acme/+', outcome: 'done' }]);
  });

  it('sets desired state, and sees it applied', async () => {
    const pump = await device('pump-7');
    const set = await run(
      'desired',
      'acme/pump-7',
      '--set',
      '{"mode":"auto"}',
      '--if-version',
      '0',
      ...operator,
    );
    expect(set.out.at(-1)).toMatch(/^mode +auto +- +differs$/);
    const { version, values } = await nextDesired(pump);
    pump.send(encodeReported(version, values));
    const inSync = async () => (await run('desired', 'acme/pump-7', ...operator)).out[0];
    await eventually(async () => expect(await inSync()).toMatch(/reported version 1, .*; in sync$/));
    const late = await run(
      'desired',
      'acme/pump-7',
      '--patch',
      '{"mode":"off"}',
      '--if-version',
      '0',
      ...operator,
    );
    expect(late).toMatchObject({
      code: 1,
      err: [expect.stringMatching(/^It has changed since you read it: /)],
    });
  });
});

describe('somebody who may not', () => {
  it('a viewer cannot send: exit 1, and the audit knows', async () => {
    await device('pump-7');
    const viewer = ['--url', broker.url, '--key', await broker.key('viewer', 'acme')];
    const { code, err } = await run('send', 'acme/pump-7', 'reboot', ...viewer);
    expect([code, err[0]]).toEqual([
      1,
      expect.stringContaining('needs a key with the role operator or admin'),
    ]);
    const list = await run('command', 'list', 'acme/pump-7', '--json', ...viewer);
    expect(JSON.parse(list.out.join('\n')) as CommandView[]).toEqual([]);
    expect(await audit()).toMatchObject([
      { action: 'command.send', outcome: expect.stringMatching(/^refused: /) },
    ]);
  });

  it('an operator does not reach the device of another customer, and leaves a trace with its own', async () => {
    await device('pump-7');
    const beta = ['--url', broker.url, '--key', await broker.key('operator', 'beta')];
    const { code, err } = await run('send', 'acme/pump-7', 'reboot', ...beta);
    expect([code, err]).toEqual([1, ['No such thing: There is no device that this key may see.']]);
    const { out } = await run('audit', '--json', ...beta);
    expect(JSON.parse(out.join('\n'))).toMatchObject([
      { target: 'acme/pump-7', outcome: 'refused: not found' },
    ]);
    expect(await audit()).toEqual([]);
  });
});
