/** What the demo prints is there to be copied, so it works as printed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../helpers/eventually.ts';

const MAIN = join(import.meta.dirname, '../../dist/broker/cli/main.js');

function signalbox(args: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  const env = { PATH: process.env.PATH, ...settings };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Words of a shell's line, of which some may stand in quotes. */
const wordsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');

it('the commands and the link that the demo prints work, the link twice', async () => {
  const demo = signalbox(['demo', '--port', '0', '--devices', '3']);
  const printed: string[] = [];
  for await (const line of createInterface(demo.stdout)) {
    printed.push(line.trim());
    if (line.includes('Ctrl-C')) break;
  }
  const after = (start: string) =>
    printed.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
  const settings = Object.fromEntries(
    wordsOf(after('export ')[0] ?? '').map((word) => word.split('=', 2) as [string, string]),
  );
  const commands = after('npx signalbox ').map(wordsOf);
  expect(commands.map(([name]) => name)).toEqual(['device', 'state', 'send', 'watch']);
  for (const args of commands) {
    if (args[0] === 'watch') {
      const child = signalbox(args, settings);
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      continue;
    }
    // Again while the first device is still connecting, or has failed, as one in thirty commands does.
    await eventually(async () => {
      const run = signalbox(args, settings);
      const [[code], err] = await Promise.all([once(run, 'exit'), text(run.stderr), text(run.stdout)]);
      expect({ args, code, err }).toEqual({ args, code: 0, err: '' });
    });
  }
  const token = new URL(
    printed.find((line) => line.includes('#login='))?.match(/http\S+/)?.[0] ?? '',
  ).hash.split('=')[1];
  for (let click = 1; click <= 2; click += 1) {
    const answer = await fetch(`${settings.SIGNALBOX_URL}/api/v1/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    expect(answer.status).toBe(201);
  }
  demo.stdout.resume();
  demo.kill('SIGINT');
  expect(await once(demo, 'exit')).toEqual([0, null]);
  expect(existsSync(settings.SIGNALBOX_DATA ?? '')).toBe(false);
});
