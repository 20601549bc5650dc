/**
 * The event loop's half of the MQTT bridge: feeds the thread from the log, the fleet and the queue of other publications,
 * moves the cursor by what the server has acknowledged, hands on what the server sends, and turns the configuration's
 * section `mqtt` into the options of the parts. Owns the state that operators see, and who wants which messages. Nothing
 * here waits for the server: while it is away the log keeps what it has not got.
 */
import type { Config } from '../../schemas/config.ts';
import { inBackground } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { RateMeter } from '../base/rate-meter.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import type { TelemetryLog } from '../store/ports.ts';
import { numberOf } from '../store/position.ts';
import { LogFeed } from './log-feed.ts';
import type { PublishProgress, WorkerOptions, WorkerReport } from './messages.ts';
import { parseAddresses } from './mqtt/addresses.ts';
import type { PeerMessage } from './mqtt/connection.ts';
import type { MqttSessionOptions } from './mqtt/session.ts';
import { type BridgePublication, OutboundQueue, ThreadWindow } from './outbound-queue.ts';
import { RetainedFeed, type RetainedRoute } from './retained-feed.ts';
import {
  BridgeCounts,
  type BridgeNote,
  type BridgeState,
  type BridgeStatus,
  describeOutage,
  type OutageCounts,
  type OutageStatement,
  Outages,
} from './status.ts';
import type { LogRoute, LogRoutes } from './thread/log-messages.ts';
import { type DeviceRoute, everyDiscovery, matches, statusTopic } from './topics.ts';
import { type StartBridgeThread, WorkerClient } from './worker-client.ts';

export type MqttConfig = Config['mqtt'];

/** Throws RangeError for a part of `mqtt.url` that is no address. */
function workerOptions(config: MqttConfig, filters: readonly string[]): WorkerOptions {
  return {
    peer: peerOptions(config),
    baseTopic: config.baseTopic,
    routes: logRoutes(config),
    inFlight: config.inFlight,
    ackMs: config.ackSeconds * 1000,
    filters,
    announcements: config.homeAssistant ? everyDiscovery(config.homeAssistantPrefix) : null,
  };
}

function retainedRoutes(config: MqttConfig): { state: RetainedRoute; availability: RetainedRoute } {
  const { state, stateQos, stateRetain, availability, availabilityQos, availabilityRetain } = config;
  return {
    state: { mode: state, qos: qos(stateQos), retain: stateRetain },
    availability: { mode: availability, qos: qos(availabilityQos), retain: availabilityRetain },
  };
}

/** Routes of which the peer holds something of each device. */
function routesHeld(config: MqttConfig): DeviceRoute[] {
  const routes = { ...logRoutes(config), ...retainedRoutes(config) };
  return (Object.keys(routes) as DeviceRoute[]).filter(
    (name) => routes[name].mode !== 'off' && routes[name].retain,
  );
}

function logRoutes(config: MqttConfig): LogRoutes {
  const { telemetry, telemetryQos, telemetryRetain, event, eventQos, eventRetain } = config;
  const route = (mode: LogRoute['mode'], level: number, retain: boolean): LogRoute => ({
    mode,
    qos: qos(level),
    retain,
  });
  return {
    telemetry: route(telemetry, telemetryQos, telemetryRetain),
    event: route(event, eventQos, eventRetain),
  };
}

function peerOptions(config: MqttConfig): MqttSessionOptions {
  const { caFile, certFile, keyFile, clientId, username, password, protocol } = config;
  return {
    addresses: parseAddresses(config.url),
    tls: { caFile, certFile, keyFile },
    clientId,
    username,
    password,
    protocol,
    keepaliveSeconds: config.keepaliveSeconds,
    sessionExpirySeconds: config.sessionExpirySeconds,
    reconnectMs: config.reconnectSeconds * 1000,
    will: { topic: statusTopic(config.baseTopic), payload: 'offline' },
  };
}

function qos(level: number): 0 | 1 {
  return level === 0 ? 0 : 1;
}

export interface ForwarderParts {
  readonly config: MqttConfig;
  readonly log: Pick<TelemetryLog, 'bytesBetween' | 'reader' | 'stats' | 'saveCursors'>;
  readonly fleet: Fleet;
  readonly startThread: StartBridgeThread;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Once an outage is over and drained. */
  readonly onOutage: (statement: OutageStatement) => void;
}

interface TopicHandler {
  readonly filter: string;
  readonly handle: (message: PeerMessage) => Promise<void>;
}

const REFUSAL_LOG_MS = 10_000;

export class Forwarder {
  private readonly parts: ForwarderParts;
  private readonly counts = new BridgeCounts();
  private readonly outages: Outages;
  private readonly rate: RateMeter<'sent'>;
  private readonly worker: WorkerClient;
  private readonly window: ThreadWindow;
  private readonly feed: LogFeed;
  private readonly retained: RetainedFeed;
  private readonly queue: OutboundQueue;
  private readonly handlers: TopicHandler[] = [];
  private readonly connectListeners = new Set<() => void>();
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

  constructor(parts: ForwarderParts) {
    this.parts = parts;
    const { config, log, fleet, startThread, clock, logger } = parts;
    this.outages = new Outages(clock);
    this.rate = new RateMeter(clock, () => ({ sent: this.counts.total.sent }));
    this.window = new ThreadWindow((messages) => this.worker.send({ type: 'publish', messages }));
    this.queue = new OutboundQueue(this.window);
    this.worker = new WorkerClient({
      startThread,
      options: () => workerOptions(config, this.filters),
      started: () => this.begin(),
      reported: (report) => this.handleReport(report),
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
    this.retained = new RetainedFeed({ fleet, window: this.window, baseTopic, ...routes, cleared, clock });
  }

  /** Waits for the server if it is away, in order; false: too much waits already, and this one is dropped and counted. */
  publish(publication: BridgePublication): boolean {
    return this.queue.publish(publication);
  }

  /**
   * Subscribes to a filter at each connect, at QoS 1. Before `start`. The server's message is acknowledged when `handle`
   * resolves: with a crash before that it comes again. What it rejects with is logged, and the message is gone.
   */
  receive(filter: string, handle: TopicHandler['handle']): void {
    this.handlers.push({ filter, handle });
  }

  /** After each connect; retained things are to be asserted again. Returns how to stop listening. */
  onConnected(listener: () => void): () => void {
    this.connectListeners.add(listener);
    return () => this.connectListeners.delete(listener);
  }

  /** The peer holds something of a device that nobody knows here: it was forgotten while the bridge was not there. */
  onLeftBehind(listener: (customer: string, device: string) => void): void {
    this.retained.onLeftBehind(listener);
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
      cursor: this.feed.position === null ? null : numberOf(this.feed.position),
      inFlight: this.inFlight,
      sent,
      repeated,
      others,
      dropped: { ...dropped, 'no-room': this.queue.dropped },
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
    this.queue.lost();
    await this.worker.stop();
    this.feed.close();
    this.rate.stop();
    if (was !== 'off') this.enter('stopped');
  }

  /** A new thread: it knows nothing, and begins where the cursor stands. */
  private begin(): void {
    this.counts.reset();
    this.window.reset();
    this.queue.reset();
    this.feed.open().catch((error: unknown) => {
      this.noteError('the log cannot be read');
      this.parts.logger.error({ err: error }, 'The MQTT bridge cannot open the log.');
    });
  }

  private handleReport(report: WorkerReport): void {
    if (report.type === 'progress') this.progress(report.progress);
    else if (report.type === 'settled') this.settled(report.tickets);
    else if (report.type === 'message') this.handleMessage(report.number, report.message);
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
    for (const listener of this.connectListeners) listener();
    this.queue.opened();
    this.retained.connected();
  }

  private failed(server: string, message: string): void {
    const { logger } = this.parts;
    this.noteError(`${server}: ${message}`);
    this.enter('waiting');
    this.queue.lost();
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

  private progress({ done, read, inFlight, ...counts }: PublishProgress): void {
    const { logger, onOutage } = this.parts;
    this.counts.report(counts);
    this.inFlight = inFlight;
    const before = this.feed.position;
    this.feed.progress(done, read);
    const { position } = this.feed;
    if (position === null) return;
    this.passedBytes += this.parts.log.bytesBetween(before ?? position, position);
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
    this.window.settled(tickets);
    this.queue.pump();
    this.retained.pumpSoon();
  }

  private handleMessage(number: number, message: PeerMessage): void {
    const { logger } = this.parts;
    const { topic } = message;
    inBackground(this.deliver(message), logger, 'A message of the MQTT server was not handled.', {
      topic,
    }).finally(() => this.worker.send({ type: 'handled', number }));
  }

  /** Resolves when everybody who wants the message has dealt with it. */
  private async deliver(message: PeerMessage): Promise<void> {
    const wanted = this.handlers.filter(({ filter }) => matches(filter, message.topic));
    await Promise.all(wanted.map(({ handle }) => handle(message)));
  }

  private get filters(): readonly string[] {
    return this.handlers.map(({ filter }) => filter);
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
