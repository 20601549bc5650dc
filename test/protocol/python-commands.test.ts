/** A device in Python (test/python/commanded_device.py) executes commands and applies desired values of a whole broker. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import type { CommandView, Documents } from '../../schemas/api.ts';
import { startBroker } from '../helpers/broker.ts';
import { requires } from '../helpers/requires.ts';

const PROGRAM = join(import.meta.dirname, '../python/commanded_device.py');

/** A running dialogue. */
interface Device {
  /** The next line that it reports; throws with its traceback if it ended instead. */
  next(): Promise<Record<string, unknown>>;
  /** Lets it go on where it waits for that. */
  goOn(): void;
  /** Resolves when it has ended well. */
  ended(): Promise<void>;
}

function run(name: string, url: string, key: string): Device {
  const child = spawn('/usr/bin/python3', ['-B', PROGRAM, url, name], { env: { KEY: key } });
  onTestFinished(() => void child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const complaints = text(child.stderr);
  const exit = once(child, 'exit');
  return {
    async next() {
      const { done, value } = await lines.next();
      if (done) throw new Error(`the device ended: ${await complaints}`);
      return JSON.parse(value);
    },
    goOn: () => void child.stdin.write('\n'),
    async ended() {
      const [code] = await exit;
      if (code !== 0) throw new Error(`the device ended with ${code}: ${await complaints}`);
    },
  };
}

/** A broker with the device `acme/pump-7` greeted, and an operator's way to it. */
async function greeted(dialogue: string) {
  const broker = await startBroker();
  const device = run(dialogue, broker.url, await broker.key('device', 'acme', 'pump-7'));
  const headers = {
    Authorization: `Bearer ${await broker.key('operator', 'acme')}`,
    'Content-Type': 'application/json',
  };
  const ask = async <Body>(method: string, path: string, body?: object): Promise<Body> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${broker.url}/api/v1${path}`, { method, headers, ...sent });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Body;
  };
  const DEVICE = '/devices/acme/pump-7';
  expect(await device.next()).toMatchObject({ durable: 0 });
  return {
    device,
    command: (name: string, args?: object) => ask<CommandView>('POST', `${DEVICE}/commands`, { name, args }),
    find: ({ id }: CommandView) => ask<CommandView>('GET', `/commands/${id}`),
    desire: (values: object) => ask<Documents>('PUT', `${DEVICE}/desired`, values),
    documents: () => ask<Documents>('GET', `${DEVICE}/desired`),
  };
}

const steps = ({ timeline }: CommandView) => timeline.map(({ status }) => status);

requires('python3-websockets', 'python3-cbor2')('a device in Python, written from PROTOCOL.md', () => {
  it('accepts a command, tells its progress and finishes it; another fails; one is rejected (P-5.3)', async () => {
    const { device, command, find } = await greeted('commands');
    const opened = await command('open', { percent: 40 });
    expect(await device.next()).toEqual({
      command: 'open',
      args: { percent: 40 },
      lives: true,
      known: false,
    });
    const broken = await command('break');
    const danced = await command('dance');
    for (const name of ['break', 'dance'])
      expect(await device.next()).toEqual({ command: name, args: null, lives: true, known: false });
    expect(await device.next()).toEqual({ acknowledged: 1 });
    const done = await find(opened);
    expect(steps(done)).toEqual(['queued', 'written', 'accepted', 'progress', 'done']);
    expect(done).toMatchObject({ status: 'done', attempts: 1, result: { position: 40 } });
    expect(done.timeline[3]?.data).toEqual({ percent: 50, note: 'opening' });
    expect(await find(broken)).toMatchObject({ status: 'failed', result: { reason: 'valve stuck' } });
    expect(await find(danced)).toMatchObject({ status: 'rejected', result: { reason: 'no command dance' } });
    await device.ended();
  });

  it('does not execute again what comes again after a cut, and says how it ended (P-5.2)', async () => {
    const { device, command, find } = await greeted('repeated');
    const opened = await command('open', { percent: 40 });
    expect(await device.next()).toEqual({ command: 'open', args: { percent: 40 } });
    expect(await device.next()).toMatchObject({ durable: 0 });
    expect(await device.next()).toMatchObject({ command: 'open', known: true });
    expect(await device.next()).toEqual({ acknowledged: 1 });
    const done = await find(opened);
    expect(done).toMatchObject({ status: 'done', attempts: 2, result: { executed: 1 } });
    expect(steps(done)).toEqual(['queued', 'written', 'written', 'done']);
    await device.ended();
  });

  it('applies desired values and reports those in force; the difference shows (P-6.1)', async () => {
    const { device, desire, documents } = await greeted('desired');
    await desire({ interval: 1 });
    expect(await device.next()).toEqual({ version: 1, values: { interval: 1 } });
    expect(await device.next()).toEqual({ acknowledged: 1 });
    expect(await documents()).toMatchObject({
      reported: { version: 1, values: { interval: 5 } },
      difference: { interval: { desired: 1, reported: 5 } },
      inSync: false,
    });
    await desire({ interval: 10 });
    expect(await device.next()).toEqual({ version: 2, values: { interval: 10 } });
    expect(await device.next()).toEqual({ acknowledged: 2 });
    expect(await documents()).toMatchObject({ reported: { version: 2 }, difference: {}, inSync: true });
    await device.ended();
  });

  it('is not cut off by a command that it cannot receive, which is refused to whoever sends it (P-3.2)', async () => {
    const { device, command } = await greeted('small');
    const long = { percent: 1, script: Array.from({ length: 3 }, () => 'x'.repeat(3000)) };
    await expect(command('open', long)).rejects.toThrow(
      /413 .*"code":"too-large-for-device".* takes a frame of 90\d\d bytes, and the device can receive 4096/,
    );
    await command('open', { percent: 40 });
    expect(await device.next()).toMatchObject({ command: 'open', args: { percent: 40 } });
    expect(await device.next()).toEqual({ acknowledged: 1 });
    await device.ended();
  });

  it('is told which command and which report nobody asked for (P-8)', async () => {
    const { device, documents } = await greeted('unasked');
    const seen = [await device.next(), await device.next(), await device.next(), await device.next()];
    // The advice may take a look into the store.
    expect(seen).toContainEqual({ code: 'unknown-command', seq: null, id: 'c-9' });
    expect(seen).toContainEqual({ code: 'bad-result', seq: null, id: 'c-8' });
    expect(seen).toContainEqual({ code: 'unknown-version', rest: [] });
    expect(seen).toContainEqual({ acknowledged: 1 });
    expect((await documents()).reported).toBeNull();
    await device.ended();
  });

  it('gets what was asked for while it was away, after its greeting (P-3.3)', async () => {
    const { device, command, find, desire, documents } = await greeted('offline');
    expect(await device.next()).toEqual({ away: true });
    const opened = await command('open', { percent: 40 });
    await desire({ interval: 10 });
    device.goOn();
    const seen = [await device.next(), await device.next(), await device.next()];
    expect(seen).toContainEqual(expect.objectContaining({ command: 'open', known: false }));
    expect(seen).toContainEqual({ version: 1, values: { interval: 10 } });
    expect(await device.next()).toEqual({ acknowledged: 1 });
    expect(await find(opened)).toMatchObject({ status: 'done', attempts: 1 });
    expect((await documents()).inSync).toBe(true);
    await device.ended();
  });
});
