/**
 * Runs the process: its signals, its exit code, what systemd is told, and the `Environment` with all that a broker
 * meets outside of itself (time, chance, ids, files, threads, sockets). Holds no logic of the broker's.
 * `ServiceNotifier` owns a long-lived shell that calls `systemd-notify` (sd_notify(3)) for each line of a pipe: Node
 * sends no Unix datagrams, and spawning from this process would copy its page tables each time, which was seen to stall
 * the loop by 40 to 100 ms.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Config } from '../schemas/config.ts';
import { ensureAdminKey, exposures } from './access/bootstrap.ts';
import { AdminServer } from './admin/server.ts';
import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import { systemTimers } from './base/system-timers.ts';
import { bridgeThreads } from './bridge/worker-client.ts';
import { Broker } from './broker.ts';
import type { Environment } from './compose.ts';
import { EdgeServer, ListenError } from './edge/server.ts';
import { ProcessMetrics } from './hub/process-metrics.ts';
import { openStores } from './store/open.ts';
import { StoreError } from './store/ports.ts';

export interface NotifierParts {
  /** `$NOTIFY_SOCKET`; without it nothing is told. */
  readonly socket: string | undefined;
  readonly logger: Logger;
}

/** `--pid` names the broker, not the shell; the unit allows that with NotifyAccess=all. */
const SCRIPT =
  'while IFS= read -r line; do systemd-notify --pid="$PPID" "$line" || echo "systemd-notify failed: $line" >&2; done';

export class ServiceNotifier {
  private readonly parts: NotifierParts;
  private child: ChildProcessByStdio<Writable, null, null> | null = null;

  constructor(parts: NotifierParts) {
    this.parts = parts;
  }

  start(): void {
    if (!this.parts.socket || this.child) return;
    const { logger, socket } = this.parts;
    const env = { PATH: process.env.PATH, NOTIFY_SOCKET: socket };
    // Detached: a Ctrl-C for the broker's group must not take the messenger away before the last message.
    this.child = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
      env,
    });
    this.child.on('error', (error) =>
      logger.warn({ err: error }, 'systemd cannot be told how the service is.'),
    );
    this.child.stdin.on('error', (error) =>
      logger.warn({ err: error }, 'systemd cannot be told how the service is.'),
    );
  }

  ready(): void {
    this.tell('READY=1');
  }

  stopping(): void {
    this.tell('STOPPING=1');
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    this.tell(`STATUS=${text.replaceAll('\n', ' ')}`);
  }

  /** Waits until what was told has gone out. Idempotent. */
  async stop(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.stdin.end();
    });
  }

  private tell(line: string): void {
    this.child?.stdin.write(`${line}\n`);
  }
}

const systemClock: Clock = {
  now: () => Date.now(),
  ...systemTimers,
};

export const systemEnvironment: Environment = {
  clock: systemClock,
  random: () => Math.random(),
  randomBytes: (count) => randomBytes(count),
  sessionId: () => randomBytes(9).toString('base64url'),
  commandId,
  openFiles: openFilesLimit(),
  version: packageVersion(),
  openStores,
  startBridgeThread: bridgeThreads(),
  openEdge: (parts) => new EdgeServer(parts),
  openAdmin: (parts) => new AdminServer(parts),
  processMetrics: () => new ProcessMetrics(),
  ensureAdminKey,
  exposures,
};

/** A person gives it to the command line, where what begins with a hyphen is an option. */
function commandId(): string {
  const id = randomBytes(12).toString('base64url');
  return id.startsWith('-') ? commandId() : id;
}

/** The soft limit, which Node raises to the hard one at its start. Linux only. */
function openFilesLimit(): number | null {
  if (!existsSync('/proc/self/limits')) return null;
  const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? null : Number(limit);
}

function packageVersion(): string {
  const up = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Where the built dashboard lies beside the compiled code; null in a checkout that was not built. */
export function builtDashboard(): string | null {
  const folder = fileURLToPath(new URL('../dashboard', import.meta.url));
  return existsSync(`${folder}/index.html`) && !import.meta.url.endsWith('.ts') ? folder : null;
}

/**
 * Runs a broker until a signal or a failure. Resolves with the exit code: 0 after a signal, 1 if it could not start,
 * its store failed, or it could not save at the stop. A second signal does not wait.
 */
export async function runBroker(config: Config, logger: Logger): Promise<number> {
  const notifier = new ServiceNotifier({ socket: process.env.NOTIFY_SOCKET, logger });
  const broker = new Broker({
    config,
    logger,
    environment: systemEnvironment,
    dashboardFolder: builtDashboard(),
  });
  const failed = new Promise<number>((resolve) => broker.onFailure(() => resolve(1)));
  const told = new Promise<number>((resolve) => {
    for (const signal of SIGNALS) process.once(signal, () => resolve(0));
  });
  notifier.start();
  try {
    const early = await Promise.race([broker.start(), told]);
    if (early !== undefined) return endAtOnce(early, logger, notifier);
  } catch (error) {
    logger.error(details(error), startMessage(error));
    await notifier.stop();
    return 1;
  }
  logger.info({ url: broker.url, data: config.data }, 'listening');
  notifier.ready();
  const code = await Promise.race([told, failed]);
  for (const signal of SIGNALS) process.once(signal, () => process.exit(1));
  notifier.stopping();
  logger.info({ code }, 'Stopping.');
  const saved = await broker.stop().then(
    () => true,
    (error: unknown) => {
      logger.error(
        details(error),
        'Not everything was saved at the stop. The next start replays what the log holds.',
      );
      return false;
    },
  );
  await notifier.stop();
  return saved ? code : 1;
}

/**
 * A start may wait for a lock or read a long log. Nobody was told anything yet, so that it may be broken off as by a
 * kill.
 */
async function endAtOnce(code: number, logger: Logger, notifier: ServiceNotifier): Promise<never> {
  logger.info({ code }, 'Stopped before the start was over.');
  await notifier.stop();
  process.exit(code);
}

/** Whose message says all that a person needs; a trace would hide it. */
function isTold(error: unknown): error is StoreError | ListenError {
  return error instanceof StoreError || error instanceof ListenError;
}

function details(error: unknown): object {
  if (error instanceof StoreError && error.cause) return { code: error.code, err: error.cause };
  return isTold(error) ? { code: error.code } : { err: error };
}

function startMessage(error: unknown): string {
  if (isTold(error)) return error.message;
  return `The broker could not start: ${error instanceof Error ? error.message : String(error)}`;
}
