/** The devices in Python that README.md and PROTOCOL.md show, run as they stand against a real broker. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startBroker } from '../helpers/broker.ts';
import { blocks, PAGE, root } from './page.ts';

const PYTHON = '/usr/bin/python3';
const installed = spawnSync(PYTHON, ['-c', 'import websockets, cbor2']).status === 0;

/** The page's program with the test's broker and key instead of the page's. */
function program(page: string, url: string, key: string): string {
  const text = blocks('python', page)[0] ?? '';
  const there = ['ws://127.0.0.1:8080', '"sbx_..."'];
  for (const part of there) expect(text).toContain(part);
  return text.replace(there[0] as string, url.replace(/^http/, 'ws')).replace(there[1] as string, `"${key}"`);
}

function run(text: string): ChildProcess {
  const child = spawn(PYTHON, ['-u', '-c', text], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill());
  return child;
}

/** The output up to the line that is waited for; throws with all of it if the program ends before. */
async function until(child: ChildProcess, line: string): Promise<string[]> {
  const lines: string[] = [];
  const errors: string[] = [];
  child.stderr?.on('data', (data) => errors.push(String(data)));
  for await (const read of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    lines.push(read);
    if (read === line) return lines;
  }
  throw new Error(`the program ended: ${lines.join('\n')}\n${errors.join('')}`);
}

describe.runIf(installed)('the device in Python (needs python3-websockets and python3-cbor2)', () => {
  it.each([
    ['README.md', readFileSync(join(root, 'README.md'), 'utf8')],
    ['PROTOCOL.md', PAGE],
  ])('of %s is acknowledged, and its state is there', async (_name, page) => {
    const { broker, url, key } = await startBroker();
    const began = Date.now();
    const child = run(program(page, url, await key('device', 'acme', 'pump-7')));
    await until(child, 'durable up to 2');
    const values = [...(broker.parts.fleet.find('acme', 'pump-7')?.metrics.changedSince(0) ?? [])];
    expect(values).toMatchObject([{ name: 'temp', value: 21.5 }]);
    // Dated in milliseconds, by the device's own clock.
    expect(values[0]?.at).toBeGreaterThanOrEqual(began - 1);
    expect(values[0]?.at).toBeLessThanOrEqual(Date.now() + 1);
  });

  it('of PROTOCOL.md ends when its key does, as 4003 says', async () => {
    const { broker, url, key } = await startBroker();
    const text = await key('device', 'acme', 'pump-7');
    const child = run(program(PAGE, url, text));
    await until(child, 'durable up to 1');
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    await broker.parts.keys.revoke(text.slice(4, 12));
    expect(await ended).toBe(1);
  });
});
