/**
 * `npx node bench/commands.ts` after a build: how long a command takes from the request to its committed result, at 1,000
 * commands a second to 200 connected devices, beside the plain acknowledgement of a frame in the same run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DevicesMark, DevicesRequest } from './commands-devices.ts';
import type { CommandsMark, CommandsRequest } from './commands-server.ts';
import { LOAD_CORE, SERVER_CORE } from './measure.ts';
import { Peer } from './peer.ts';
import { diskWarning } from './servers.ts';

const DEVICES = 200;
const RATE = { perSecond: 1000, seconds: 10 } as const;
const WARM_UP = { perSecond: 1000, seconds: 3 } as const;

type Times = CommandsMark['roundTrip'];

function print(what: string, { count, p50, p99, max }: Times): void {
  const figures = [p50, p99, max].map((ms) => ms.toFixed(1).padStart(7)).join(' ');
  console.log(`${what.padEnd(44)} ${String(count).padStart(6)} ${figures}`);
}

const data = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), 'signalbox-bench-'));
const server = new Peer<CommandsRequest>('commands-server.ts', SERVER_CORE, { args: [data] });
const load = new Peer<DevicesRequest>('commands-devices.ts', LOAD_CORE);
const issue = (rate: { perSecond: number; seconds: number }) =>
  server.ask<CommandsMark>({ ask: 'issue', ...rate, devices: DEVICES });
const telemetry = (rate: { perSecond: number; seconds: number }) =>
  load.ask<DevicesMark>({ ask: 'telemetry', ...rate });

try {
  const ready = await server.ask<{ port: number; deviceKey: string }>({ ask: 'ready' });
  await load.ask({ ask: 'connect', ...ready, devices: DEVICES });
  // A device that is known is one whose hello was taken; the first commands find all of them so.
  await Promise.all([telemetry(WARM_UP)]);
  await issue(WARM_UP);
  console.log(`${DEVICES} devices, 1,000 a second, ms${' '.repeat(24)} count     p50     p99     max`);
  const { ack } = await telemetry(RATE);
  print('a frame to its ack', ack);
  const { roundTrip, notDone } = await issue(RATE);
  print('a command to its result', roundTrip);
  const [both, beside] = await Promise.all([issue(RATE), telemetry(RATE)]);
  print('a command to its result, beside telemetry', both.roundTrip);
  print('a frame to its ack, beside commands', beside.ack);
  console.log(
    `not done: ${notDone + both.notDone}; p50 of a command is ${(roundTrip.p50 / ack.p50).toFixed(1)} acks`,
  );
  const warning = diskWarning();
  if (warning) console.log(warning);
  process.exitCode = notDone + both.notDone === 0 ? 0 : 1;
  await server.ask({ ask: 'stop' });
} finally {
  server.kill();
  load.kill();
  rmSync(data, { recursive: true, force: true });
}
