/**
 * Starts the whole broker from its build, with durable acknowledgements on a disk; without limits of rate, or with the
 * defaults.
 */
import type { Logger } from '../broker/base/logger.ts';
import { START } from '../broker/store/position.ts';
import type { Role } from '../schemas/roles.ts';
import type { BenchServer } from './server-marks.ts';

const drop = () => {};
const complain = (fields: object, message: string) => console.error(message, fields);
const logger: Logger = { debug: drop, info: drop, warn: complain, error: complain, child: () => logger };

/** Compiled code: what is measured is what is shipped. */
async function built() {
  const dist = (file: string) => new URL(`../dist/broker/${file}`, import.meta.url).href;
  const { Broker } = (await import(dist('broker.js'))) as typeof import('../broker/broker.ts');
  const { loadConfig } = (await import(
    dist('config/config.js')
  )) as typeof import('../broker/config/config.ts');
  const { systemEnvironment } = (await import(dist('main.js'))) as typeof import('../broker/main.ts');
  return { Broker, loadConfig, environment: systemEnvironment };
}

export interface BuiltBroker {
  readonly broker: Awaited<ReturnType<typeof makeBroker>>;
  readonly server: BenchServer;
}

/** The rates of a device: the defaults, or none, to measure how fast the broker is. */
export type RateLimits = 'default' | 'none';

const NO_RATES = {
  SIGNALBOX_LIMITS_FRAMES_PER_SECOND: '0',
  SIGNALBOX_LIMITS_BYTES_PER_SECOND: '0',
  SIGNALBOX_DEVICES_KEEPALIVE: '3600',
};

/** Started, with its data in this folder; frames count when they are committed. */
export async function startBuiltBroker(data: string, rates: RateLimits = 'none'): Promise<BuiltBroker> {
  const broker = await makeBroker(data, rates);
  await broker.start();
  return { broker, server: await serverOf(broker) };
}

async function makeBroker(data: string, rates: RateLimits) {
  const { Broker, loadConfig, environment } = await built();
  const config = loadConfig({
    file: undefined,
    flags: { data, server: { host: '127.0.0.1', port: 0 } },
    environment: {
      ...(rates === 'none' ? NO_RATES : {}),
      SIGNALBOX_LIMITS_HANDSHAKES_PER_SECOND: '100000',
      SIGNALBOX_LIMITS_CONNECTIONS_PER_ADDRESS: '20000',
    },
  });
  return new Broker({ config, logger, environment, dashboardFolder: null });
}

async function serverOf(broker: BuiltBroker['broker']): Promise<BenchServer> {
  const key = async (role: Role, customer: string) =>
    (await broker.parts.keys.create({ customer, device: null, role, label: null, expiresAt: null })).key;
  return {
    port: Number(new URL(broker.url).port),
    deviceKey: await key('device', 'bench'),
    quietKey: await key('device', 'quiet'),
    viewerKey: await key('admin', '*'),
    frames: () => broker.parts.counters.framesCommitted,
    logBytes: () => {
      const { log } = broker.parts.stores;
      return log.bytesBetween(START, log.stats().end);
    },
    viewers: () => {
      const { viewerSkips, viewersClosedSlow } = broker.parts.counters;
      return { skips: viewerSkips, closed: viewersClosedSlow };
    },
    stop: () => broker.stop(),
  };
}
