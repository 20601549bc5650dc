/**
 * `npx node bench/bridge.ts` after a build: how fast the bridge drains a log into a real Mosquitto at QoS 1, from its
 * records to their acknowledgements, beside mqtt.js alone with the same messages and window; and what a bridge whose peer
 * is away takes from ingestion. Alternating rounds in one run; one core for the subject, one for Mosquitto.
 *
 *   npx node bench/bridge.ts --rounds 5 --messages 200000
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { SubjectMark, SubjectRequest } from './bridge-subject.ts';
import { LOAD_CORE, pause, SERVER_CORE } from './measure.ts';
import { Peer } from './peer.ts';
import { diskWarning } from './servers.ts';

const IN_FLIGHT = 1000;
const DEFAULT_WINDOW = 20;
/** Port 9 is `discard`: nobody listens there. */
const NOBODY = 'mqtt://127.0.0.1:9';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** `window`: what it lets an MQTT 5 client have in flight; it is 20 where nobody says otherwise. */
async function startMosquitto(port: number, folder: string, window: number): Promise<ChildProcess> {
  const file = join(folder, `mosquitto-${window}.conf`);
  const settings = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'log_dest none'];
  writeFileSync(file, [...settings, `max_inflight_messages ${window}`, ''].join('\n'));
  const args = ['-c', String(LOAD_CORE), '/usr/sbin/mosquitto', '-c', file];
  const child = spawn('taskset', args, { stdio: 'ignore' });
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = createConnection(port, '127.0.0.1');
    const [outcome] = await Promise.race([
      once(socket, 'connect').then(() => ['open']),
      new Promise<string[]>((resolve) => socket.once('error', () => resolve(['refused']))),
    ]);
    socket.destroy();
    if (outcome === 'open') return child;
    await pause(50);
  }
  throw new Error('mosquitto does not listen');
}

/** In a process of its own each time: nobody finds code that another has warmed. */
async function measure(request: SubjectRequest): Promise<SubjectMark> {
  const subject = new Peer<SubjectRequest>('bridge-subject.ts', SERVER_CORE);
  try {
    return await subject.ask<SubjectMark>(request);
  } finally {
    subject.kill();
  }
}

function median(marks: readonly SubjectMark[], figure: keyof SubjectMark): number {
  const sorted = marks.map((mark) => mark[figure]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string', default: '200000' },
    seconds: { type: 'string', default: '3' },
  },
});
const messages = Number(values.messages);
const seconds = Number(values.seconds);
const folder = mkdtempSync(join(tmpdir(), 'signalbox-mosquitto-'));
const ports = { wide: await freePort(), narrow: await freePort() };
const mosquittos = [
  await startMosquitto(ports.wide, folder, IN_FLIGHT),
  await startMosquitto(ports.narrow, folder, DEFAULT_WINDOW),
];
const url = `mqtt://127.0.0.1:${ports.wide}`;
const SUBJECTS: Readonly<Record<string, SubjectRequest>> = {
  'mqtt.js alone': { ask: 'mqtt.js', url, messages, inFlight: IN_FLIGHT },
  'the bridge': { ask: 'bridge', url, messages, inFlight: IN_FLIGHT },
  'the bridge, 20 in flight': {
    ask: 'bridge',
    url: `mqtt://127.0.0.1:${ports.narrow}`,
    messages: messages / 4,
    inFlight: IN_FLIGHT,
  },
  'ingestion, no bridge': { ask: 'ingest', url: '', seconds },
  'ingestion, peer away': { ask: 'ingest', url: NOBODY, seconds },
};
const marks: Record<string, SubjectMark[]> = {};
try {
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [name, request] of Object.entries(SUBJECTS)) {
      marks[name] = [...(marks[name] ?? []), await measure(request)];
    }
  }
} finally {
  for (const mosquitto of mosquittos) mosquitto.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
const speed = (name: string) => median(marks[name] ?? [], 'perSecond');
console.log(`QoS 1, ${IN_FLIGHT} in flight${' '.repeat(8)} messages/s   µs of CPU a message`);
for (const [name, all] of Object.entries(marks)) {
  console.log(
    `${name.padEnd(26)} ${Math.round(speed(name)).toLocaleString('en').padStart(12)} ${median(all, 'cpu').toFixed(1).padStart(12)}`,
  );
}
const bridge = speed('the bridge') / speed('mqtt.js alone');
const ingestion = speed('ingestion, peer away') / speed('ingestion, no bridge');
console.log(`the bridge is ${bridge.toFixed(2)} of mqtt.js alone (at least 0.6)`);
console.log(
  `ingestion with the peer away is ${ingestion.toFixed(2)} of that without a bridge (at least 0.9)`,
);
const warning = diskWarning();
if (warning) console.log(warning);
process.exitCode = bridge >= 0.6 && ingestion >= 0.9 ? 0 : 1;
