/** Composition, second half: what people and devices reach. Constructs, starts nothing. */
import type { Problem } from '../schemas/problems.ts';
import { presentedCookie, presentedKey } from './access/credentials.ts';
import { FailedAttempts } from './access/failed-attempts.ts';
import { AdminServer, type Readiness } from './admin/server.ts';
import type { BrokerOptions, Core } from './core.ts';
import { type ConnectionPlan, planConnections } from './edge/connection-plan.ts';
import { DeviceUpgrade } from './edge/device-upgrade.ts';
import { LiveUpgrade } from './edge/live-upgrade.ts';
import { EdgeServer } from './edge/server.ts';
import { ProcessMetrics } from './hub/process-metrics.ts';
import { StatsCollector } from './hub/stats.ts';
import { LiveChannel } from './live/channel.ts';
import { Mqtt } from './mqtt.ts';

export interface Front {
  readonly stats: StatsCollector;
  readonly live: LiveChannel;
  readonly liveUpgrade: LiveUpgrade;
  readonly admin: AdminServer;
  readonly edge: EdgeServer;
  readonly mqtt: Mqtt;
  readonly plan: ConnectionPlan;
}

/** What the front asks of the broker as a whole. */
export interface BrokerState {
  /** Why no device can be taken now; null: it can. */
  unavailable(): Problem | null;
  readiness(): Readiness;
  /** Why nothing can be changed now; null: it can. */
  unwritable(): Problem | null;
  /** Whether the device was known. */
  forget(customer: string, device: string): Promise<boolean>;
}

export function composeFront(core: Core, options: BrokerOptions, broker: BrokerState): Front {
  const { logger, environment, dashboardFolder } = options;
  const { clock, version } = environment;
  const { control } = core;
  const plan = planConnections(environment.openFiles, options.config.limits);
  const config = { ...options.config, limits: { ...options.config.limits, ...plan } };
  const failures = new FailedAttempts(clock);
  const mqtt = new Mqtt({ core, config: config.mqtt, version, clock, logger });
  const process = new ProcessMetrics();
  const viewers = () => live.size;
  const stats = new StatsCollector({
    ...core,
    commands: control.commands,
    bridge: () => mqtt.status(),
    log: core.stores.log,
    process,
    viewers,
    clock,
    version,
  });
  const current = () => stats.current();
  const live: LiveChannel = new LiveChannel({
    ...core,
    commands: control.commands,
    desired: control.desired,
    stats: current,
    clock,
    logger,
    limits: config.limits,
  });
  const liveUpgrade = new LiveUpgrade({ ...core, live, failures, config, clock, logger });
  const { unavailable, unwritable, readiness, forget } = broker;
  const admin = new AdminServer({
    fleet: core.fleet,
    registry: core.registry,
    keys: core.keys,
    browserSessions: core.browserSessions,
    commands: control.commands,
    jobs: control.jobs,
    desired: control.desired,
    audit: control.audit,
    stats: current,
    readiness,
    unwritable,
    forget,
    failures,
    config,
    clock,
    logger,
    dashboardFolder,
  });
  const { sessionId } = environment;
  const devices = new DeviceUpgrade({
    ...core,
    failures,
    config,
    clock,
    logger,
    sessionId,
    unavailable,
  });
  const edge = new EdgeServer({
    host: config.server.host,
    port: config.server.port,
    handle: (request, response) => admin.handle(request, response),
    holderOf: ({ headers }) => {
      const key = presentedKey(headers);
      const cookie = presentedCookie(headers);
      const row = key === null ? cookie && core.browserSessions.find(cookie) : core.keys.authenticate(key);
      return row ? { customer: row.customer, key: row.id } : { customer: '', key: '' };
    },
    upgrades: {
      '/v1/device': (request, socket, head) => devices.upgrade(request, socket, head),
      '/v1/live': (request, socket, head) => liveUpgrade.upgrade(request, socket, head),
    },
    plan,
    trustedProxies: config.server.trustedProxies,
    counters: core.counters,
    clock,
  });
  return { stats, live, liveUpgrade, admin, edge, mqtt, plan };
}
