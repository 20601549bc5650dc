/**
 * How soon a broker acknowledges again after `kill -9`: from the start of its process to the first ack of a device that comes
 * back at once. `npx node bench/recovery.ts [kills]`, after a build, prints the median and the most; 3 s are the aim.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { DeviceClient } from '../client/index.ts';

const MAIN = join(import.meta.dirname, '../dist/broker/cli/main.js');
const DEVICES = 10;
/** How long they send before the broker is killed, and how often; ms. */
const SENDING = 500;
const EVERY = 1;
const AIM = 3000;

interface RunningBroker {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly url: string;
}

async function start(data: string): Promise<RunningBroker> {
  const args = [MAIN, 'serve', '--data', data, '--host', '127.0.0.1', '--port', '0'];
  const env = { PATH: process.env.PATH, SIGNALBOX_LIMITS_FRAMES_PER_SECOND: '0' };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  for await (const line of createInterface(child.stdout)) {
    const { msg, url } = JSON.parse(line) as { msg: string; url?: string };
    if (msg !== 'listening' || !url) continue;
    child.stdout.resume();
    return { child, url };
  }
  throw new Error('the broker ended before it listened');
}

async function deviceKey(url: string, data: string): Promise<string> {
  const admin = readFileSync(join(data, 'admin.key'), 'utf8').trim();
  const response = await fetch(`${url}/api/v1/keys`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${admin}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ customer: 'bench', role: 'device' }),
  });
  return ((await response.json()) as { key: string }).key;
}

/** Devices send until the broker is killed; ms from `begun` to the first ack of any of them. */
async function firstAck({ child, url }: RunningBroker, key: string, begun: number): Promise<number> {
  let first = Number.POSITIVE_INFINITY;
  const clients = Array.from({ length: DEVICES }, (_, index) => {
    const client = new DeviceClient({ url, key, device: `pump-${index}` });
    client.on('acknowledged', () => {
      first = Math.min(first, performance.now() - begun);
    });
    client.start();
    return client;
  });
  const sending = setInterval(() => {
    for (const client of clients) client.send({ n: Math.round(performance.now()) });
  }, EVERY);
  while (first === Number.POSITIVE_INFINITY) await pause(EVERY);
  await pause(SENDING);
  clearInterval(sending);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await Promise.all(clients.map((client) => client.stop()));
  return first;
}

const kills = Number(process.argv[2] ?? 10);
const data = mkdtempSync(join(tmpdir(), 'signalbox-recovery-'));
try {
  const setUp = await start(data);
  const key = await deviceKey(setUp.url, data);
  await firstAck(setUp, key, performance.now());
  const times: number[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    const begun = performance.now();
    times.push(await firstAck(await start(data), key, begun));
  }
  const sorted = times.map(Math.round).sort((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(
    `first ack after kill -9: median ${median} ms, most ${sorted.at(-1)} ms of ${kills} (aim: under ${AIM} ms)`,
  );
} finally {
  rmSync(data, { recursive: true, force: true });
}
