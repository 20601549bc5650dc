/** Composition, first half: what takes frames in and keeps them. Constructs, starts nothing. */
import type { Config } from '../schemas/config.ts';
import { BrowserSessions } from './access/browser-sessions.ts';
import { KeyService } from './access/key-service.ts';
import type { Logger } from './base/logger.ts';
import { FRAME_BYTES } from './edge/device-upgrade.ts';
import type { Environment } from './environment.ts';
import { DeviceControl } from './hub/control.ts';
import { Counters } from './hub/counters.ts';
import { DeviceRegistry } from './hub/fleet/device-registry.ts';
import { EventFeed } from './hub/fleet/events.ts';
import { Fleet } from './hub/fleet/fleet.ts';
import { RevisionCeiling, Revisions } from './hub/fleet/revisions.ts';
import { Checkpoint } from './hub/telemetry/checkpoint.ts';
import { Ingest } from './hub/telemetry/ingest.ts';
import { ReadScheduler } from './session/read-scheduler.ts';
import { Sessions } from './session/sessions.ts';
import { openStores } from './store/open.ts';
import type { Stores } from './store/ports.ts';

export interface BrokerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly environment: Environment;
  /** The built dashboard; null: none is served. */
  readonly dashboardFolder: string | null;
}

export interface Core {
  readonly stores: Stores;
  readonly counters: Counters;
  readonly revisionCeiling: RevisionCeiling;
  readonly fleet: Fleet;
  readonly registry: DeviceRegistry;
  readonly events: EventFeed;
  readonly ingest: Ingest;
  readonly control: DeviceControl;
  readonly checkpoint: Checkpoint;
  readonly keys: KeyService;
  readonly browserSessions: BrowserSessions;
  readonly reads: ReadScheduler;
  readonly sessions: Sessions;
}

/** Memory for recent commits, from which readers that keep up are served. */
const RECENT_BYTES = 16 * 1024 * 1024;
const HOUR = 3_600_000;

export function composeCore({ config, logger, environment }: BrokerOptions): Core {
  const { clock, random, randomBytes } = environment;
  const stores = composeStores(config, environment, logger);
  const { database: state, log } = stores;
  const counters = new Counters();
  const events = new EventFeed();
  const revisions = new Revisions(clock.now());
  const revisionCeiling = new RevisionCeiling({ revisions, store: state, clock, logger });
  const fleet = new Fleet(revisions);
  const registry = new DeviceRegistry({ store: state, fleet, clock, limits: config.limits });
  const limits = { ...config.store, ...config.limits };
  const ingest = new Ingest({ log, fleet, events, counters, clock, limits });
  const intervalMs = config.store.checkpointSeconds * 1000;
  const changes = fleet.trackChanges();
  const control = new DeviceControl({
    store: state,
    fleet,
    ingest,
    counters,
    limits: config.commands,
    clock,
    logger,
    newId: environment.commandId,
  });
  const others = [() => control.save()];
  const checkpoint = new Checkpoint({
    changes,
    fleet,
    ingest,
    state,
    others,
    log,
    clock,
    logger,
    intervalMs,
  });
  const keys = new KeyService({ store: state, clock, randomBytes, logger });
  const browserSessions = new BrowserSessions({
    store: state,
    keys,
    clock,
    randomBytes,
    logger,
    lifetime: config.server.loginHours * HOUR,
  });
  const reads = new ReadScheduler({ ingest, counters, clock });
  const sessions = new Sessions(
    {
      fleet,
      ingest,
      commands: control.commands,
      desired: control.desired,
      onReady: (device, member) => control.ready(device, member),
      reads,
      counters,
      clock,
      logger,
      config,
      frameBytes: FRAME_BYTES,
    },
    random,
  );
  return {
    stores,
    counters,
    revisionCeiling,
    fleet,
    registry,
    events,
    ingest,
    control,
    checkpoint,
    keys,
    browserSessions,
    reads,
    sessions,
  };
}

function composeStores(config: Config, { clock }: Environment, logger: Logger): Stores {
  const { engine, segmentBytes, retentionBytes, retentionHours } = config.store;
  return openStores({
    engine,
    folder: config.data,
    log: { segmentBytes, retentionBytes, retentionAgeMs: retentionHours * HOUR, recentBytes: RECENT_BYTES },
    clock,
    logger,
  });
}
