/**
 * The broker as a whole: opens its parts in order and closes them in reverse, so that the data folder comes first and
 * goes last, and sockets come last and go first. Owns the one state that readiness and refusals follow.
 */
import { type Problem, problem } from '../schemas/problems.ts';
import { type BrokerOptions, type Core, composeCore } from './core.ts';
import type { ConnectionPlan } from './edge/connection-plan.ts';
import { goingAway } from './edge/device-upgrade.ts';
import { composeFront, type Front } from './front.ts';
import { forgetDevice } from './hub/forget.ts';
import { ensureAdminKey } from './hub/keys/bootstrap.ts';
import { restoreFleet } from './hub/restore.ts';
import type { StoreError } from './store/ports.ts';

/** How long a stop waits for devices to answer their close; ms. */
const CLOSE_WAIT = 2500;
const CLOSE_POLL = 25;

export class Broker {
  readonly core: Core;
  readonly front: Front;
  private readonly options: BrokerOptions;
  private state: 'new' | 'starting' | 'ready' | 'draining' | 'failed' = 'new';
  private stopped: Promise<void> | null = null;
  private failed: ((error: StoreError) => void) | null = null;

  constructor(options: BrokerOptions) {
    this.options = options;
    this.core = composeCore(options);
    this.front = composeFront(this.core, options, {
      unavailable: () => this.unavailable(),
      readiness: () => (this.state === 'ready' ? { ready: true } : { ready: false, reason: this.state }),
      forget: (customer, device) => this.forget(customer, device),
    });
  }

  /** `http://host:port`, once started. */
  get url(): string {
    return this.front.edge.url;
  }

  /** Called at most once: nothing can be committed any more, and the process should end (fail-stop). */
  onFailure(listener: (error: StoreError) => void): void {
    this.failed = listener;
  }

  /** Rejects with what keeps it from starting; then nothing is left open. */
  async start(): Promise<void> {
    this.state = 'starting';
    try {
      await this.openCore();
      await this.openFront();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Drains, then closes everything. Idempotent; also after a failure or half a start. */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async openCore(): Promise<void> {
    const { stores, fleet, ingest, orders, checkpoint, keys, browserSessions, sessions } = this.core;
    const { config, logger } = this.options;
    stores.onFailure((error) => this.fail(error));
    const bounds = await stores.start();
    await this.core.revisionCeiling.start();
    await keys.start();
    await browserSessions.start();
    const adminKey = await ensureAdminKey(keys, config.data);
    if (adminKey)
      logger.info({ file: adminKey }, 'An admin key was created; the command line finds it there.');
    await this.core.registry.load();
    await orders.load();
    const { database: state, log } = stores;
    const restored = await restoreFleet({
      fleet,
      state,
      log,
      bounds,
      onControl: (control) => {
        // What is saved meanwhile says how far it has come.
        ingest.startAt(control.position);
        orders.take(control);
      },
    });
    ingest.startAt(restored.position);
    await orders.start();
    logger.info(restored, 'Last-known state is back.');
    checkpoint.start();
    sessions.start();
    keys.onEnded((keyId, why) => {
      sessions.endKey(keyId, 4003, why === 'revoked' ? 'The key was revoked.' : 'The key has expired.');
    });
  }

  private async openFront(): Promise<void> {
    const { stats, live, liveUpgrade, admin, edge, mqtt, plan } = this.front;
    this.tellPlan(plan);
    stats.start();
    mqtt.start();
    live.start();
    liveUpgrade.start();
    await admin.start();
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
    this.options.logger.error(
      { err: error, code: error.code },
      'The store has failed; nothing more is acknowledged.',
    );
    this.core.sessions.abandon();
    this.failed?.(error);
  }

  private async close(): Promise<void> {
    if (this.state !== 'failed') this.state = 'draining';
    await this.closeSockets();
    await this.closeFront();
    await this.closeCore();
  }

  /** Acknowledges what was sent, then sends everybody away, with a delay each (P-7.3). */
  private async closeSockets(): Promise<void> {
    const { ingest, sessions } = this.core;
    this.front.edge.close();
    await ingest.flushed();
    sessions.drain(this.options.config.server.drainSeconds * 1000);
    const { clock } = this.options.environment;
    const until = clock.monotonic() + CLOSE_WAIT;
    while (sessions.size > 0 && clock.monotonic() < until) {
      await new Promise<void>((resolve) => clock.after(CLOSE_POLL, resolve));
    }
  }

  private async closeFront(): Promise<void> {
    const { stats, live, liveUpgrade, admin, edge, mqtt } = this.front;
    await liveUpgrade.stop();
    await live.stop();
    await admin.stop();
    await edge.stop();
    await mqtt.stop();
    stats.stop();
  }

  private async closeCore(): Promise<void> {
    this.core.sessions.stop();
    this.core.revisionCeiling.stop();
    try {
      await this.saveCore(this.core);
    } finally {
      await this.core.stores.stop();
    }
  }

  /** After a failure the store takes nothing more; what it holds is replayed at the next start. */
  private async saveCore({ checkpoint, keys, orders }: Core): Promise<void> {
    if (this.state === 'failed') {
      checkpoint.abandon();
      orders.abandon();
      keys.abandon();
    } else {
      await orders.stop();
      await checkpoint.stop();
      await keys.stop();
    }
  }

  private unavailable(): Problem | null {
    if (this.state === 'ready') return null;
    if (this.state !== 'failed') return goingAway();
    return problem('store-unavailable', 'The broker can store nothing; it is about to end.', {
      retryAfter: 10,
    });
  }

  private forget(customer: string, device: string): Promise<boolean> {
    const { fleet, registry, ingest, stores, orders } = this.core;
    return registry.forget(customer, device, async () => {
      const wasKnown = await forgetDevice({ fleet, ingest, state: stores.database }, customer, device);
      if (wasKnown) await orders.forget(customer, device);
      return wasKnown;
    });
  }
}
