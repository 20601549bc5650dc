/**
 * Runs `signalbox demo`: a broker with its data in a temporary folder, a simulated fleet of two customers, a few
 * devices that misbehave, and a login link to the dashboard. Ctrl-C ends all of it and removes the folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Broker } from '../broker.ts';
import { loadConfig } from '../config/config.ts';
import { systemEnvironment } from '../main.ts';
import { makeLogger } from './logger.ts';
import { wholeNumber } from './options.ts';

const CUSTOMERS = ['acme', 'globex'];
/** Some fail, so that this can be seen, too. */
const COMMANDS = { failures: 0.03 };

interface DemoOptions {
  readonly port: number;
  readonly devices: number;
  readonly rate: number;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('Run a broker with a simulated fleet of two customers, in a temporary folder.')
    .option('--port <n>', 'port of the broker and its dashboard', wholeNumber(0, 65535), 8080)
    .option('--devices <n>', 'simulated devices of each customer', wholeNumber(1, 5000), 100)
    .option('--rate <n>', 'samples a second and device', wholeNumber(1, 100), 1)
    .action(async (options: DemoOptions) => {
      process.exitCode = await runDemo(options);
    });
}

async function runDemo(options: DemoOptions): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'signalbox-demo-'));
  try {
    return await runInFolder(data, options);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

async function runInFolder(data: string, options: DemoOptions): Promise<number> {
  const flags = { data, server: { host: '127.0.0.1', port: options.port }, log: { level: 'warn' as const } };
  const config = loadConfig({ environment: {}, flags });
  const logger = makeLogger(config);
  // Loaded here only, as `serve` does.
  const [{ Broker }, { builtDashboard }] = await Promise.all([import('../broker.ts'), import('../main.ts')]);
  const broker = new Broker({
    config,
    logger,
    environment: systemEnvironment,
    dashboardFolder: builtDashboard(),
  });
  const ended = new Promise<number>((resolve) => {
    broker.onFailure(() => resolve(1));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(0));
  });
  await broker.start();
  const fleets = await startFleets(broker, options);
  console.log(greeting({ url: broker.url, link: await loginLink(broker), data }, options));
  const code = await ended;
  console.log('\nStopping.');
  await Promise.all(fleets.map((fleet) => fleet.stop()));
  await broker.stop();
  return code;
}

interface Running {
  stop(): Promise<unknown>;
}

async function startFleets(broker: Broker, { devices, rate }: DemoOptions): Promise<Running[]> {
  const [{ simulate }, { Troublemakers }] = await Promise.all([
    import('../../device-sim/run.ts'),
    import('../../device-sim/troublemakers.ts'),
  ]);
  const fleets: Running[] = [];
  for (const [index, customer] of CUSTOMERS.entries()) {
    const { key } = await broker.parts.keys.create({
      customer,
      device: null,
      role: 'device',
      label: 'demo fleet',
      expiresAt: null,
    });
    const keys = [{ customer, key }];
    const fleet = simulate({ url: broker.url, keys, devices, rate, seed: index + 1, commands: COMMANDS });
    fleet.start();
    fleets.push(fleet);
    if (index > 0) continue;
    const troublemakers = new Troublemakers({ url: broker.url, key });
    troublemakers.start();
    fleets.push(troublemakers);
  }
  return fleets;
}

/** Opens the dashboard as an admin that sees both customers; works again within its ten minutes. */
async function loginLink(broker: Broker): Promise<string> {
  const { keys, browserSessions } = broker.parts;
  const { row } = await keys.create({
    customer: '*',
    device: null,
    role: 'admin',
    label: 'demo',
    expiresAt: null,
  });
  return `${broker.url}/#login=${browserSessions.issueLoginToken(row.id, 'often')}`;
}

interface RunningDemo {
  readonly url: string;
  readonly link: string;
  readonly data: string;
}

/** The commands are there to be copied: a test runs them. */
function greeting({ url, link, data }: RunningDemo, { devices, rate }: DemoOptions): string {
  return [
    '',
    `  Signalbox runs at ${url}`,
    `  ${devices * CUSTOMERS.length} simulated devices of ${CUSTOMERS.join(' and ')} send ${rate} sample(s) a second each. Six more of acme`,
    '  misbehave: one sleeps, one is gone, one has no clock, one sends bad frames, one loses its connection, one raises events.',
    '',
    `  Dashboard (works for ten minutes): ${link}`,
    '',
    '  In another terminal, in this folder:',
    `    export SIGNALBOX_URL=${url} SIGNALBOX_DATA=${data}`,
    '    npx signalbox device list --customer acme',
    '    npx signalbox state acme/pump-1',
    '    npx signalbox send acme/pump-1 identify --wait',
    "    npx signalbox watch 'acme/+'",
    '',
    '  Ctrl-C ends everything and removes its data.',
  ].join('\n');
}
