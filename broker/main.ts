/** The process: signals, readiness, exit code. No logic of the broker's. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../schemas/config.ts';
import type { Logger } from './base/logger.ts';
import { Broker } from './broker.ts';
import { ListenError } from './edge/server.ts';
import { systemEnvironment } from './environment.ts';
import { ServiceNotifier } from './notify.ts';
import { StoreError } from './store/ports.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Where the built dashboard lies beside the compiled code; null in a checkout that was not built. */
export function builtDashboard(): string | null {
  const folder = fileURLToPath(new URL('../dashboard', import.meta.url));
  return existsSync(`${folder}/index.html`) && !import.meta.url.endsWith('.ts') ? folder : null;
}

/**
 * Runs a broker until a signal or a failure. Resolves with the exit code: 0 after a signal, 1 if it could not start
 * or its store failed. A second signal does not wait.
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
  await broker.stop();
  await notifier.stop();
  return code;
}

/** A start may wait for a lock or read a long log. Nobody was told anything yet, so that it may be broken off as by a kill. */
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
