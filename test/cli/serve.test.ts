import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { liveBroker } from './live-broker.ts';
import { KEY } from './terminal.ts';

const MAIN = join(import.meta.dirname, '../../dist/broker/cli/main.js');

type Process = ChildProcessByStdio<null, Readable, Readable>;

/** The built command as a process of its own, in an environment without settings. */
function signalbox(...args: string[]): Process {
  const env = { PATH: process.env.PATH };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: Process): Promise<{ code: number | null; out: string; err: string }> {
  const [[code], out, err] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  return { code: code as number | null, out, err };
}

/** Where it listens, as its log says. */
async function listening(child: Process): Promise<string> {
  for await (const line of createInterface(child.stdout)) {
    const { msg, url } = JSON.parse(line) as { msg: string; url?: string };
    if (msg === 'listening' && url) return url;
  }
  throw new Error('the broker ended before it listened');
}

/** A port that another program listens on. */
async function takenPort(): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  return (other.address() as AddressInfo).port;
}

describe('signalbox serve', () => {
  it('runs without any configuration, logs JSON lines, and ends with 0 on SIGTERM', async () => {
    const data = join(temporaryFolder(), 'data');
    const child = signalbox('serve', '--data', data, '--host', '127.0.0.1', '--port', '0');
    const url = await listening(child);
    const key = readFileSync(join(data, 'admin.key'), 'utf8').trim();
    const answer = await fetch(`${url}/api/v1/keys`, { headers: { Authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('is reached by the other commands with the key of its data folder', async () => {
    const data = temporaryFolder();
    const url = await listening(signalbox('serve', '--data', data, '--host', '127.0.0.1', '--port', '0'));
    const made = await ended(signalbox('key', 'create', '--customer', 'acme', '--data', data, '--url', url));
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^sbx_\S+\n$/) });
    const listed = await ended(signalbox('key', 'list', '--data', data, '--url', url));
    expect(listed.out).toMatch(/^ID .*\n.* admin .*\n.* acme .* device .*\n$/);
  });

  it('ends with 1 and says why, when another broker has the data folder', async () => {
    const data = temporaryFolder();
    await listening(signalbox('serve', '--data', data, '--host', '127.0.0.1', '--port', '0'));
    const { code, out } = await ended(
      signalbox('serve', '--data', data, '--host', '127.0.0.1', '--port', '0'),
    );
    expect(code).toBe(1);
    expect(out).toContain('is in use by another broker');
  });

  it('ends with 1 and one sentence, no trace, when the port is in use', async () => {
    const port = await takenPort();
    const args = ['serve', '--data', temporaryFolder(), '--host', '127.0.0.1', '--port', String(port)];
    const { code, out, err } = await ended(signalbox(...args));
    const last = JSON.parse(out.trim().split('\n').at(-1) ?? '') as object;
    expect({ code, err, last }).toEqual({
      code: 1,
      err: '',
      last: {
        level: 50,
        time: expect.any(Number),
        code: 'EADDRINUSE',
        msg: `Port ${port} of 127.0.0.1 is in use by another program: stop that one, or choose another port (server.port, --port).`,
      },
    });
  });

  it('logs no more than it is asked to with --log-level, and refuses a level that there is not', async () => {
    const port = await takenPort();
    const args = ['serve', '--data', temporaryFolder(), '--host', '127.0.0.1', '--port', String(port)];
    const { out } = await ended(signalbox(...args, '--log-level', 'error'));
    expect(out.trim().split('\n')).toEqual([expect.stringContaining('is in use by another program')]);
    expect(await ended(signalbox(...args, '--log-level', 'loud'))).toMatchObject({
      code: 2,
      err: expect.stringContaining("'loud' is invalid"),
    });
  });

  it('ends with 2 and the line of the fault, before it touches anything', async () => {
    const file = join(temporaryFolder(), 'signalbox.yaml');
    writeFileSync(file, 'server:\n  prot: 1\n');
    const fault = `${file}:2:3: server.prot is not a setting. Did you mean port?\n`;
    expect(await ended(signalbox('serve', '--config', file))).toEqual({ code: 2, out: '', err: fault });
  });
});

describe('signalbox watch', () => {
  it('ends when its reader has had enough, as in `signalbox watch | head -1`', async () => {
    const broker = await liveBroker();
    const child = signalbox('watch', '--json', '--url', broker.url, '--key', KEY);
    child.stdout.destroy();
    const viewer = await broker.next();
    viewer.say({ type: 'snapshot', id: 1, page: 0, more: false, devices: [] });
    const [[code], err] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });
});
