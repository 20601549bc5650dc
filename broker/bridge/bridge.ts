/**
 * The MQTT bridge, the event loop's half: feeds the thread from the log and the fleet, moves the cursor by what the peer
 * has acknowledged, and knows how it stands. Owns the state that operators see.
 *
 * Nothing here waits for the peer: while it is away the log keeps what it has not got.
 */
import { inBackground } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { RateMeter } from '../base/rate-meter.ts';
import { threadModule } from '../base/worker-thread.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import type { TelemetryLog } from '../store/ports.ts';
import { type BridgeConnection, Connection, Outbox } from './connection.ts';
import { LogFeed } from './log-feed.ts';
import type { Progress, WorkerReport } from './messages.ts';
import type { PeerMessage } from './mqtt/link.ts';
import { BridgeCounts, describeOutage, type OutageCounts, type OutageStatement, Outages } from './outage.ts';
import { RetainedFeed } from './retained-feed.ts';
import { type MqttConfig, retainedRoutes, routesHeld, workerOptions } from './settings.ts';
import type { BridgeNote, BridgeState, BridgeStatus } from './status.ts';
import { WorkerClient } from './worker-client.ts';

export interface BridgeParts {
  readonly config: MqttConfig;
  readonly log: Pick<TelemetryLog, 'reader' | 'stats' | 'saveCursors'>;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Once an outage is over and drained. */
  readonly onOutage: (statement: OutageStatement) => void;
}

const REFUSAL_LOG_MS = 10_000;

export class Bridge {
  private readonly parts: BridgeParts;
  private readonly counts = new BridgeCounts();
  private readonly outages: Outages;
  private readonly rate: RateMeter<'sent'>;
  private readonly worker: WorkerClient;
  private readonly outbox: Outbox;
  private readonly feed: LogFeed;
  private readonly retained: RetainedFeed;
  private readonly seam: Connection;
  private state: BridgeState = 'off';
  private since = 0;
  private server: string | null = null;
  private protocol: BridgeStatus['protocol'] = null;
  private lastError: BridgeNote | null = null;
  private lastRefusal: BridgeNote | null = null;
  private refusalLoggedAt = Number.NEGATIVE_INFINITY;
  private inFlight = 0;
  /** What was sent when the cursor was made durable last. */
  private savedAt = 0;
  /** Bytes of the log that the peer has, to estimate by. */
  private passedBytes = 0;
  private stopping: Promise<void> | null = null;

  constructor(parts: BridgeParts) {
    this.parts = parts;
    const { config, log, fleet, clock, logger } = parts;
    this.outages = new Outages(clock);
    this.rate = new RateMeter(clock, () => ({ sent: this.counts.total.sent }));
    this.outbox = new Outbox((messages) => this.worker.send({ type: 'publish', messages }));
    this.seam = new Connection(this.outbox);
    this.worker = new WorkerClient({
      module: threadModule(import.meta.url, './thread/worker'),
      options: () => workerOptions(config, this.seam.filters),
      started: () => this.begin(),
      reported: (report) => this.take(report),
      crashed: (message) => this.crashed(message),
      clock,
      logger,
    });
    const send: LogFeed['parts']['send'] = (portion, transfer) =>
      this.worker.send({ type: 'records', ...portion }, transfer);
    this.feed = new LogFeed({ log, send, logger });
    const { baseTopic } = config;
    const cleared = routesHeld(config);
    const routes = retainedRoutes(config);
    this.retained = new RetainedFeed({ fleet, outbox: this.outbox, baseTopic, ...routes, cleared, clock });
  }

  /** For commands in and discovery out. */
  get connection(): BridgeConnection {
    return this.seam;
  }

  /** After the log is open. Inert without a server. A configuration that cannot be used is logged and shown. */
  start(): void {
    const { config, logger } = this.parts;
    if (this.state !== 'off' || config.url.trim() === '') return;
    this.enter('connecting');
    try {
      workerOptions(config, []);
    } catch (error) {
      this.enter('failed');
      this.noteError((error as Error).message);
      logger.error({ err: error }, 'The MQTT bridge is not started.');
      return;
    }
    this.outages.started(this.outageCounts());
    this.rate.start();
    this.retained.start();
    this.worker.start();
  }

  /** Says `offline`, waits for the last acknowledgements, a few seconds at most. Idempotent. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  status(): BridgeStatus {
    const { sent, repeated, others, dropped } = this.counts.total;
    const { bytes, oldestAt } = this.feed.backlog;
    const messages = sent > 0 ? Math.round((bytes * sent) / Math.max(1, this.passedBytes)) : null;
    const seconds = oldestAt === null ? 0 : Math.max(0, (this.parts.clock.now() - oldestAt) / 1000);
    return {
      state: this.state,
      since: this.since,
      peer: this.server,
      protocol: this.protocol,
      rate: this.rate.rates.sent,
      backlog: { bytes, messages: bytes === 0 ? 0 : messages, seconds },
      cursor: this.feed.position,
      inFlight: this.inFlight,
      sent,
      repeated,
      others,
      dropped: { ...dropped, 'no-room': this.seam.dropped },
      lostBytes: this.feed.lostBytes,
      outages: this.outages.count,
      crashes: this.worker.crashes,
      lastError: this.lastError,
      lastRefusal: this.lastRefusal,
    };
  }

  private async end(): Promise<void> {
    const was = this.state;
    this.retained.stop();
    this.seam.lost();
    await this.worker.stop();
    this.feed.close();
    this.rate.stop();
    if (was !== 'off') this.enter('stopped');
  }

  /** A new thread: it knows nothing, and begins where the cursor stands. */
  private begin(): void {
    this.counts.reset();
    this.outbox.reset();
    this.seam.reset();
    this.feed.open().catch((error: unknown) => {
      this.noteError('the log cannot be read');
      this.parts.logger.error({ err: error }, 'The MQTT bridge cannot open the log.');
    });
  }

  private take(report: WorkerReport): void {
    if (report.type === 'progress') this.progress(report.progress);
    else if (report.type === 'settled') this.settled(report.tickets);
    else if (report.type === 'message') this.receive(report.number, report.message);
    else if (report.type === 'retained') this.retained.found(report.devices);
    else if (report.type === 'connecting') this.connecting(report.server);
    else if (report.type === 'connected') this.connected(report.server, report.version);
    else if (report.type === 'failed') this.failed(report.server, report.message);
    else if (report.type === 'refused') this.refused(report.message);
  }

  private connecting(server: string): void {
    this.server = server;
    if (this.state !== 'connecting') this.enter('connecting');
  }

  private connected(server: string, version: 4 | 5): void {
    const { log, logger } = this.parts;
    this.protocol = version === 5 ? '5' : '3.1.1';
    logger.info({ server, protocol: this.protocol }, 'The MQTT bridge is connected.');
    this.enter('connected');
    const { end } = log.stats();
    this.outages.ended(end, this.feed.position ?? end);
    this.seam.opened();
    this.retained.connected();
  }

  private failed(server: string, message: string): void {
    const { logger } = this.parts;
    this.noteError(`${server}: ${message}`);
    this.enter('waiting');
    this.seam.lost();
    this.retained.lost();
    if (this.outages.began(this.outageCounts())) {
      logger.warn(
        { server, reason: message },
        'The MQTT server is away; the log keeps what it does not have.',
      );
    } else logger.debug({ server, reason: message }, 'An attempt to reach the MQTT server failed.');
  }

  /** Thousands may be refused a second: the log gets a sample. */
  private refused(message: string): void {
    const { clock, logger } = this.parts;
    const now = clock.monotonic();
    if (now - this.refusalLoggedAt >= REFUSAL_LOG_MS) {
      this.refusalLoggedAt = now;
      logger.warn({ server: this.server, reason: message }, 'The MQTT server refuses what the bridge wants.');
    }
    this.lastRefusal = { at: clock.now(), message };
  }

  private crashed(message: string): void {
    this.failed(this.server ?? 'no server', `the thread of the bridge ended: ${message}`);
  }

  private progress({ done, read, inFlight, ...counts }: Progress): void {
    const { logger, onOutage } = this.parts;
    this.counts.report(counts);
    this.inFlight = inFlight;
    const before = this.feed.position;
    this.feed.progress(done, read);
    const { position } = this.feed;
    if (position === null) return;
    this.passedBytes += position - (before ?? position);
    this.saveCursor();
    const statement = this.outages.progress(position, this.outageCounts());
    if (!statement) return;
    logger.info(statement, describeOutage(statement));
    onOutage(statement);
  }

  /** After a kill the messages since the last time come again: about a window of them, no more. */
  private saveCursor(): void {
    const { sent } = this.counts.total;
    if (sent - this.savedAt < this.parts.config.inFlight / 2) return;
    this.savedAt = sent;
    this.feed.saveCursor();
  }

  private settled(tickets: readonly number[]): void {
    this.outbox.settled(tickets);
    this.seam.pump();
    this.retained.pumpSoon();
  }

  private receive(number: number, message: PeerMessage): void {
    const { logger } = this.parts;
    const { topic } = message;
    inBackground(this.seam.take(message), logger, 'A message was not taken.', { topic }).finally(() =>
      this.worker.send({ type: 'taken', number }),
    );
  }

  private outageCounts(): OutageCounts {
    return { ...this.counts.total, lostBytes: this.feed.lostBytes };
  }

  private noteError(message: string): void {
    this.lastError = { at: this.parts.clock.now(), message };
  }

  private enter(state: BridgeState): void {
    this.state = state;
    this.since = this.parts.clock.now();
  }
}
