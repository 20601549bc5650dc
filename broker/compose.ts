/**
 * Composes a broker: constructs every part and hands it exactly what it uses; starts nothing. What is outside comes as
 * an `Environment`, so that the same broker can be composed on a simulated clock, store, thread and edge.
 */
import type { Config } from '../schemas/config.ts';
import type { Problem } from '../schemas/problems.ts';
import { BrowserSessions } from './access/browser-sessions.ts';
import { presentedCookie, presentedKey } from './access/credentials.ts';
import { FailedAttempts } from './access/failed-attempts.ts';
import { KeyService } from './access/key-service.ts';
import type { AdminParts, Readiness } from './admin/parts.ts';
import type { AdminServer } from './admin/server.ts';
import type { Clock, Random } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import { MqttBridge } from './bridge/mqtt-bridge.ts';
import type { StartBridgeThread } from './bridge/worker-client.ts';
import { type ConnectionPlan, planConnections } from './edge/connection-plan.ts';
import { DeviceUpgrade, FRAME_BYTES } from './edge/device-upgrade.ts';
import { LiveUpgrade } from './edge/live-upgrade.ts';
import type { EdgeParts, EdgeServer } from './edge/server.ts';
import { DeviceControl } from './hub/control.ts';
import { Counters } from './hub/counters.ts';
import { DeviceRegistry, forgetAll } from './hub/fleet/device-registry.ts';
import { EventFeed } from './hub/fleet/events.ts';
import { Fleet } from './hub/fleet/fleet.ts';
import { RevisionCeiling, Revisions } from './hub/fleet/revisions.ts';
import { StatsCollector, type StatsParts } from './hub/stats.ts';
import { Checkpoint } from './hub/telemetry/checkpoint.ts';
import { Ingest } from './hub/telemetry/ingest.ts';
import { LiveChannel } from './live/channel.ts';
import { ReadScheduler } from './session/read-scheduler.ts';
import { Sessions } from './session/sessions.ts';
import type { StoreOptions } from './store/open.ts';
import type { Stores } from './store/ports.ts';

/** Everything that a broker meets outside of itself. `main.ts` has the real one. */
export interface Environment {
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly sessionId: () => string;
  /** Of commands and jobs: not to be guessed, and short enough to be typed. */
  readonly commandId: () => string;
  /** The most files, connections included, that the process may have open; null: not known. */
  readonly openFiles: number | null;
  /** The package's version. */
  readonly version: string;
  /** Log and database, with their threads and files. */
  readonly openStores: (options: StoreOptions) => Stores;
  /** Where the MQTT bridge speaks to its server. */
  readonly startBridgeThread: StartBridgeThread;
  /** What listens for devices, viewers and HTTP. */
  readonly openEdge: (parts: EdgeParts) => Pick<EdgeServer, 'url' | 'start' | 'close' | 'stop'>;
  /** The HTTP API and the pages, which need files of their own. */
  readonly openAdmin: (parts: AdminParts) => Pick<AdminServer, 'start' | 'handle' | 'stop'>;
  /** What the process costs. */
  readonly processMetrics: () => StatsParts['process'];
  /** Stores a first admin key where its owner finds it. The path of its file; null: there is a key. */
  readonly ensureAdminKey: (keys: KeyService, folder: string) => Promise<string | null>;
  /** What others can reach of the data folder, a sentence each. */
  readonly exposures: (folder: string) => readonly string[];
}

export interface BrokerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly environment: Environment;
  /** The built dashboard; null: none is served. */
  readonly dashboardFolder: string | null;
}

/** What parts ask of the broker as a whole. */
export interface BrokerState {
  /** Why no device can be taken now; null: it can. */
  unavailable(): Problem | null;
  readiness(): Readiness;
  /** Why nothing can be changed now; null: it can. */
  unwritable(): Problem | null;
}

/** What takes frames in and keeps them, and what people ask of devices. */
export interface Hub {
  readonly stores: Stores;
  readonly counters: Counters;
  readonly revisionCeiling: RevisionCeiling;
  readonly fleet: Fleet;
  readonly registry: DeviceRegistry;
  readonly events: EventFeed;
  readonly ingest: Ingest;
  readonly control: DeviceControl;
  readonly checkpoint: Checkpoint;
}

/** Who may come in. */
export interface AccessParts {
  readonly keys: KeyService;
  readonly browserSessions: BrowserSessions;
  readonly failures: FailedAttempts;
}

/** All that is opened and closed, in no order; `broker.ts` knows it. */
export interface BrokerParts extends Hub, AccessParts {
  readonly plan: ConnectionPlan;
  readonly reads: ReadScheduler;
  readonly sessions: Sessions;
  readonly bridge: MqttBridge;
  readonly stats: StatsCollector;
  readonly live: LiveChannel;
  readonly devices: DeviceUpgrade;
  readonly liveUpgrade: LiveUpgrade;
  readonly admin: ReturnType<Environment['openAdmin']>;
  readonly edge: ReturnType<Environment['openEdge']>;
}

/** Memory for recent commits, from which readers that keep up are served. */
const RECENT_BYTES = 16 * 1024 * 1024;
const HOUR = 3_600_000;

export function compose(options: BrokerOptions, state: BrokerState): BrokerParts {
  const { environment, logger } = options;
  const { clock, version } = environment;
  const plan = planConnections(environment.openFiles, options.config.limits);
  const config = { ...options.config, limits: { ...options.config.limits, ...plan } };
  const hub = composeHub(options);
  const { stores, counters, fleet, control } = hub;
  const access = composeAccess(options, stores);
  const reads = new ReadScheduler({ ingest: hub.ingest, counters, clock });
  const sessions = composeSessions(options, hub, reads);
  access.keys.onEnded((keyId, why) => {
    sessions.endKey(keyId, 4003, why === 'revoked' ? 'The key was revoked.' : 'The key has expired.');
  });
  const bridge = new MqttBridge({
    log: stores.log,
    fleet,
    commands: control.commands,
    audit: control.audit,
    startThread: environment.startBridgeThread,
    config: config.mqtt,
    version,
    clock,
    logger,
  });
  const stats = new StatsCollector({
    fleet,
    counters,
    commands: control.commands,
    bridge: () => bridge.status(),
    log: stores.log,
    stores,
    process: environment.processMetrics(),
    viewers: () => live.size,
    clock,
    version,
  });
  const live: LiveChannel = new LiveChannel({
    fleet,
    events: hub.events,
    commands: control.commands,
    desired: control.desired,
    stats: () => stats.current(),
    counters,
    clock,
    logger,
    limits: config.limits,
  });
  const admin = composeAdmin(options, state, hub, access, stats);
  const doors = composeDoors({ options, config, plan, state, hub, access, sessions, live, admin });
  return { ...hub, ...access, plan, reads, sessions, bridge, stats, live, admin, ...doors };
}

function composeHub({ config, logger, environment }: BrokerOptions): Hub {
  const { clock } = environment;
  const { engine, segmentBytes, retentionBytes, retentionHours } = config.store;
  const retentionAgeMs = retentionHours * HOUR;
  const stores = environment.openStores({
    engine,
    folder: config.data,
    log: { segmentBytes, retentionBytes, retentionAgeMs, recentBytes: RECENT_BYTES },
    clock,
    logger,
  });
  const { database, log } = stores;
  const counters = new Counters();
  const events = new EventFeed();
  const revisions = new Revisions(clock.now());
  const revisionCeiling = new RevisionCeiling({ revisions, store: database, clock, logger });
  const fleet = new Fleet(revisions);
  const registry = new DeviceRegistry({ store: database, fleet, clock, limits: config.limits });
  const { metricsPerDevice, stateBytes, valueBytes } = config.limits;
  const { batchBytes, commitSpacing } = config.store;
  const limits = { metricsPerDevice, stateBytes, valueBytes, batchBytes, commitSpacing };
  const ingest = new Ingest({ log, fleet, events, counters, clock, limits });
  const control = new DeviceControl({
    store: database,
    fleet,
    ingest,
    counters,
    limits: config.commands,
    clock,
    logger,
    newId: environment.commandId,
  });
  const checkpoint = new Checkpoint({
    changes: fleet.trackChanges(),
    fleet,
    ingest,
    state: database,
    others: [() => control.save()],
    log,
    clock,
    logger,
    intervalMs: config.store.checkpointSeconds * 1000,
  });
  return { stores, counters, revisionCeiling, fleet, registry, events, ingest, control, checkpoint };
}

function composeAccess({ config, logger, environment }: BrokerOptions, { database }: Stores): AccessParts {
  const { clock, randomBytes } = environment;
  const keys = new KeyService({ store: database, clock, randomBytes, logger });
  const lifetime = config.server.loginHours * HOUR;
  const browserSessions = new BrowserSessions({
    store: database,
    keys,
    clock,
    randomBytes,
    logger,
    lifetime,
  });
  return { keys, browserSessions, failures: new FailedAttempts(clock) };
}

function composeSessions(options: BrokerOptions, hub: Hub, reads: ReadScheduler): Sessions {
  const { config, logger, environment } = options;
  const { fleet, ingest, control, counters } = hub;
  return new Sessions(
    {
      fleet,
      ingest,
      commands: control.commands,
      desired: control.desired,
      onReady: (device, member) => control.ready(device, member),
      reads,
      counters,
      clock: environment.clock,
      logger,
      config,
      frameBytes: FRAME_BYTES,
    },
    environment.random,
  );
}

function composeAdmin(
  { config, logger, environment, dashboardFolder }: BrokerOptions,
  { readiness, unwritable }: BrokerState,
  { stores, fleet, registry, ingest, control }: Hub,
  { keys, browserSessions, failures }: AccessParts,
  stats: StatsCollector,
): BrokerParts['admin'] {
  const { commands, jobs, desired, audit } = control;
  const forgetParts = { registry, fleet, ingest, state: stores.database, control };
  return environment.openAdmin({
    fleet,
    registry,
    keys,
    browserSessions,
    commands,
    jobs,
    desired,
    audit,
    stats: () => stats.current(),
    readiness,
    unwritable,
    forget: (customer, device) => forgetAll(forgetParts, customer, device),
    failures,
    config,
    clock: environment.clock,
    logger,
    dashboardFolder,
  });
}

interface DoorParts {
  readonly options: BrokerOptions;
  /** With the limits of the plan. */
  readonly config: Config;
  readonly plan: ConnectionPlan;
  readonly state: BrokerState;
  readonly hub: Hub;
  readonly access: AccessParts;
  readonly sessions: Sessions;
  readonly live: LiveChannel;
  readonly admin: BrokerParts['admin'];
}

/** Where devices, viewers and HTTP come in. */
function composeDoors(parts: DoorParts): Pick<BrokerParts, 'devices' | 'liveUpgrade' | 'edge'> {
  const { config, plan, sessions, live, admin } = parts;
  const { logger, environment } = parts.options;
  const { clock, sessionId } = environment;
  const { fleet, counters } = parts.hub;
  const { keys, browserSessions, failures } = parts.access;
  const { unavailable } = parts.state;
  const devices = new DeviceUpgrade({
    keys,
    fleet,
    sessions,
    counters,
    failures,
    config,
    plan,
    clock,
    logger,
    sessionId,
    unavailable,
  });
  const liveUpgrade = new LiveUpgrade({
    keys,
    browserSessions,
    live,
    config,
    plan,
    counters,
    failures,
    clock,
    logger,
  });
  const edge = environment.openEdge({
    host: config.server.host,
    port: config.server.port,
    handle: (request, response) => admin.handle(request, response),
    holderOf: ({ headers }) => {
      const key = presentedKey(headers);
      const cookie = presentedCookie(headers);
      const row = key === null ? cookie && browserSessions.find(cookie) : keys.authenticate(key);
      return row ? { customer: row.customer, key: row.id } : { customer: '', key: '' };
    },
    upgrades: {
      '/v1/device': (request, socket, head) => devices.upgrade(request, socket, head),
      '/v1/live': (request, socket, head) => liveUpgrade.upgrade(request, socket, head),
    },
    plan,
    trustedProxies: config.server.trustedProxies,
    counters,
    clock,
  });
  return { devices, liveUpgrade, edge };
}
