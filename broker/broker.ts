/**
 * The broker as a whole: opens its parts in order and closes them in reverse, so that the data folder comes first and
 * goes last, and sockets come last and go first. Owns the one state that readiness and refusals follow.
 */
import { type Problem, problem } from '../schemas/problems.ts';
import type { Readiness } from './admin/parts.ts';
import { inBackground } from './base/background.ts';
import { type BrokerOptions, type BrokerParts, compose } from './compose.ts';
import type { ConnectionPlan } from './edge/connection-plan.ts';
import { goingAway } from './edge/handshake.ts';
import { type Restored, restoreFleet } from './hub/telemetry/restore.ts';
import { unreadableRows } from './store/consent.ts';
import { type LogBounds, type Obstacle, StoreError } from './store/ports.ts';

/** How long a stop waits for devices to answer their close; ms. */
const CLOSE_WAIT = 2500;
const CLOSE_POLL = 25;
/** Devices that are sent away because nothing can be stored come back within so long; ms. */
const AWAY_MS = 30_000;
const RETRY_SECONDS = 10;

const OBSTACLES: Readonly<Record<Obstacle, string>> = {
  'disk-full': 'The disk of the broker is full; it goes on by itself when there is room.',
  'no-descriptors': 'The broker has no file descriptor left; it goes on by itself when there is one.',
  'database-locked': 'Another program holds the database of the broker; it goes on by itself when that ends.',
};

export class Broker {
  readonly parts: BrokerParts;
  private readonly options: BrokerOptions;
  private state: 'new' | 'starting' | 'ready' | 'draining' | 'failed' = 'new';
  private stopped: Promise<void> | null = null;
  private failure: StoreError | null = null;
  private failed: ((error: StoreError) => void) | null = null;
  private readonly waitingForObstacle: (() => void)[] = [];

  constructor(options: BrokerOptions) {
    this.options = options;
    this.parts = compose(options, {
      unavailable: () => this.unavailable(),
      readiness: () => this.readiness(),
      unwritable: () => this.unwritable(),
    });
  }

  /** `http://host:port`, once started. */
  get url(): string {
    return this.parts.edge.url;
  }

  /** Called at most once: nothing can be committed any more, and the process should end (fail-stop). */
  onFailure(listener: (error: StoreError) => void): void {
    this.failed = listener;
  }

  /** Rejects with what keeps it from starting; then nothing is left open. */
  async start(): Promise<void> {
    this.state = 'starting';
    try {
      await this.openHub();
      await this.openDoors();
    } catch (error) {
      await inBackground(
        this.stop(),
        this.options.logger,
        'After a start that failed not everything was saved.',
      );
      throw error;
    }
  }

  /**
   * Drains, then closes everything. Idempotent; also after a failure or half a start. Rejects with the first thing that went
   * wrong, when all is closed: what the log holds is replayed at the next start.
   */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async openHub(): Promise<void> {
    const { stores, control, checkpoint, keys, browserSessions, sessions } = this.parts;
    const { config, logger, environment } = this.options;
    stores.onFailure((error) => this.fail(error));
    stores.onObstacle(() => this.obstructed());
    const bounds = await stores.start();
    await this.parts.revisionCeiling.start();
    await keys.start();
    await browserSessions.start();
    const adminKey = await environment.ensureAdminKey(keys, config.data);
    if (adminKey)
      logger.info({ file: adminKey }, 'An admin key was stored; the command line finds it there.');
    for (const exposure of environment.exposures(config.data)) logger.warn({}, exposure);
    const restored = await this.restore(bounds);
    await control.start();
    logger.info(restored, 'Last-known state is back.');
    checkpoint.start();
    sessions.start();
  }

  /** What was stored, and what the log holds beyond it. */
  private async restore(bounds: LogBounds): Promise<Restored> {
    const { stores, registry, fleet, ingest, control } = this.parts;
    const { database: state, log } = stores;
    const { clock } = this.options.environment;
    try {
      await registry.load();
      await control.load();
      const restored = await restoreFleet({ fleet, state, log, bounds, ingest, clock });
      if (this.failure) throw this.failure;
      return restored;
    } catch (error) {
      throw error instanceof StoreError ? error : unreadableRows(this.options.config.data, error);
    }
  }

  private async openDoors(): Promise<void> {
    const { stats, live, liveUpgrade, admin, edge, bridge, plan } = this.parts;
    this.tellPlan(plan);
    stats.start();
    bridge.start();
    live.start();
    liveUpgrade.start();
    await admin.start();
    // What has failed meanwhile stays so, and no port is opened.
    if (this.failure) throw this.failure;
    // Everything stands: a device that connects in the moment in which the port opens is taken, not sent away.
    this.state = 'ready';
    await edge.start();
  }

  private tellPlan(plan: ConnectionPlan): void {
    const { environment, logger, config } = this.options;
    const { openFiles } = environment;
    logger.info({ openFiles, ...plan }, 'Connections that the broker takes.');
    const { connections } = config.limits;
    if (plan.connections >= connections) return;
    logger.warn(
      { openFiles, connections: plan.connections },
      `limits.connections of ${connections} is out of reach: the process may open ${openFiles} files. Raise that with \`ulimit -n\` or LimitNOFILE= of the service.`,
    );
  }

  /** Fail-stop: what was not acknowledged by now is not acknowledged at all. */
  private fail(error: StoreError): void {
    if (this.state === 'failed') return;
    this.state = 'failed';
    this.failure = error;
    this.options.logger.error(
      { err: error, code: error.code },
      'The store has failed; nothing more is acknowledged.',
    );
    this.parts.sessions.abandon();
    this.failed?.(error);
  }

  /** No frame can be stored: what came is kept and stored later; devices are told to come back then. */
  private obstructed(): void {
    const { stores, sessions, ingest } = this.parts;
    ingest.obstructed(stores.obstacles.log !== null);
    if (this.state === 'ready' && stores.obstacles.log)
      sessions.sendAway('The broker cannot store now', AWAY_MS);
    for (const resolve of this.waitingForObstacle.splice(0)) resolve();
  }

  private async close(): Promise<void> {
    if (this.state !== 'failed') this.state = 'draining';
    const { stores, revisionCeiling, sessions } = this.parts;
    await doAll([
      () => this.closeSockets(),
      () => this.closeDoors(),
      () => sessions.stop(),
      () => revisionCeiling.stop(),
      () => this.saveHub(this.parts),
      () => this.abandonHub(this.parts),
      () => stores.stop(),
    ]);
  }

  /** Acknowledges what was sent, then sends everybody away, with a delay each (P-7.3). */
  private async closeSockets(): Promise<void> {
    const { ingest, sessions } = this.parts;
    this.parts.edge.close();
    await Promise.race([ingest.flushed(), this.isObstructed()]);
    sessions.drain(this.options.config.server.drainSeconds * 1000);
    const { clock } = this.options.environment;
    const until = clock.monotonic() + CLOSE_WAIT;
    while (sessions.size > 0 && clock.monotonic() < until) {
      await new Promise<void>((resolve) => clock.after(CLOSE_POLL, resolve));
    }
  }

  private async closeDoors(): Promise<void> {
    const { stats, live, liveUpgrade, admin, edge, bridge } = this.parts;
    await doAll([liveUpgrade, live, admin, edge, bridge, stats].map((part) => () => part.stop()));
  }

  /** After a failure the store takes nothing more; what it holds is replayed at the next start. So it is when it waits. */
  private async saveHub({ ingest, checkpoint, keys, browserSessions, control }: BrokerParts): Promise<void> {
    if (this.state === 'failed') return;
    const saved = doAll([
      // The ends of the connections.
      () => ingest.flushed(),
      () => control.stop(),
      () => checkpoint.stop(),
      () => keys.stop(),
      () => browserSessions.stop(),
    ]);
    await Promise.race([saved, this.isObstructed()]);
  }

  /** Their timers end, whether they could save or not. */
  private abandonHub({ checkpoint, keys, browserSessions, control }: BrokerParts): void {
    checkpoint.abandon();
    control.abandon();
    keys.abandon();
    browserSessions.abandon();
  }

  /** Resolves when something keeps the store from writing: a stop does not wait for that to pass. */
  private isObstructed(): Promise<void> {
    const { log, database } = this.parts.stores.obstacles;
    if (log || database) return Promise.resolve();
    return new Promise((resolve) => this.waitingForObstacle.push(resolve));
  }

  private readiness(): Readiness {
    const { log, database } = this.parts.stores.obstacles;
    if (this.state !== 'ready') return { ready: false, reason: this.state };
    const reason = log ?? database;
    if (!reason) return { ready: true };
    // Behind a lock of another program telemetry goes on; a disk that is full takes nothing.
    return { ready: log === null && database === 'database-locked', reason };
  }

  private unavailable(): Problem | null {
    const { log } = this.parts.stores.obstacles;
    if (this.state === 'ready') return log ? cannotStore(log) : null;
    if (this.state !== 'failed') return goingAway();
    return problem('store-unavailable', 'The broker can store nothing; it is about to end.', {
      retryAfter: RETRY_SECONDS,
    });
  }

  private unwritable(): Problem | null {
    const obstacle = this.parts.stores.obstacles.database ?? this.parts.stores.obstacles.log;
    return obstacle && cannotStore(obstacle);
  }
}

/** One after the other, each whatever became of the others. Rejects with the first error, when all are done. */
async function doAll(steps: readonly (() => void | Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

function cannotStore(obstacle: Obstacle): Problem {
  return problem('store-unavailable', OBSTACLES[obstacle], { retryAfter: RETRY_SECONDS });
}
