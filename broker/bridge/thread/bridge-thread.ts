/**
 * Runs in the bridge's thread, where all that MQTT costs is paid, so that a slow, broken or hostile server takes nothing
 * from ingestion. `BridgeThread` owns session and publisher, and serves the event loop's requests. `HeldTopics` watches
 * what the server holds of the bridge itself: a stale `offline` in the status topic (a replaced connection's will may be
 * published after the new one's birth), and, for a while after each connect, the availability of devices that were
 * forgotten meanwhile.
 */
import type { Clock, Random, Timer } from '../../base/clock.ts';
import { Lateness } from '../../base/lateness.ts';
import type { ThreadPort } from '../../base/worker-thread.ts';
import { announcedDevice } from '../home-assistant/discovery.ts';
import type {
  OtherMessage,
  PublishProgress,
  WorkerOptions,
  WorkerReport,
  WorkerRequest,
} from '../messages.ts';
import type { Dial } from '../mqtt/addresses.ts';
import type { MqttConnection, PeerHello, PeerMessage } from '../mqtt/connection.ts';
import { MqttSession } from '../mqtt/session.ts';
import { everyDevice, matches, parseDeviceTopic, statusTopic } from '../topics.ts';
import { Publisher } from './publisher.ts';
import type { Message } from './window.ts';

interface HeldTopicsParts {
  readonly baseTopic: string;
  readonly announcements: string | null;
  readonly wrongStatus: () => void;
  /** `customer/device` of retained availability and discovery. */
  readonly retained: (devices: readonly string[]) => void;
  readonly clock: Clock;
}

/** A server sends what it retains right after the subscription. */
const RETAINED_MS = 10_000;
/** Two bridges that fight for one topic shall not do it at full speed. */
const STATUS_PAUSE_MS = 1000;

class HeldTopics {
  private readonly parts: HeldTopicsParts;
  private readonly status: string;
  private devices: string[] = [];
  private reporting: 'no' | 'soon' = 'no';
  private correction: Timer | null = null;
  /** Monotonic ms. */
  private correctedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: HeldTopicsParts) {
    this.parts = parts;
    this.status = statusTopic(parts.baseTopic);
  }

  listen(connection: MqttConnection, refused: (filter: string) => (message: string) => void): void {
    const availability = everyDevice(this.parts.baseTopic, 'availability');
    // A will counts as published by its own client.
    connection.subscribe(this.status, { qos: 0, from: 'all', retain: 'as-held' }, refused(this.status));
    const filters = [availability, ...(this.parts.announcements === null ? [] : [this.parts.announcements])];
    for (const filter of filters) {
      connection.subscribe(filter, { qos: 0, from: 'others', retain: 'as-held' }, refused(filter));
    }
    this.parts.clock.after(RETAINED_MS, () => {
      for (const filter of filters) if (connection.open) connection.unsubscribe(filter);
    });
  }

  /** false: it is for somebody else. */
  handle({ topic, payload, retain }: PeerMessage): boolean {
    if (topic === this.status) {
      if (Buffer.from(payload).toString() !== 'online') this.correct();
      return true;
    }
    const { announcements, baseTopic } = this.parts;
    if (announcements !== null && matches(announcements, topic)) {
      const announced = retain ? announcedDevice(payload, baseTopic) : null;
      if (announced !== null) this.found(announced);
      return true;
    }
    const device = parseDeviceTopic(baseTopic, topic, 'availability');
    if (!device) return false;
    if (retain && payload.length > 0) this.found(`${device.customer}/${device.device}`);
    return true;
  }

  private correct(): void {
    const { clock, wrongStatus } = this.parts;
    if (this.correction) return;
    const pause = Math.max(0, this.correctedAt + STATUS_PAUSE_MS - clock.monotonic());
    this.correction = clock.after(pause, () => {
      this.correction = null;
      this.correctedAt = clock.monotonic();
      wrongStatus();
    });
  }

  private found(device: string): void {
    this.devices.push(device);
    if (this.reporting === 'soon') return;
    this.reporting = 'soon';
    this.parts.clock.soon(() => {
      this.reporting = 'no';
      this.parts.retained(this.devices);
      this.devices = [];
    });
  }
}

const PROGRESS_MS = 50;
const ACK_CHECK_MS = 500;
/** How long a stop waits for acknowledgements. */
const LAST_ACKS_MS = 2000;

type BridgeThreadPort = Pick<ThreadPort<WorkerRequest, WorkerReport>, 'send' | 'receive'>;

export interface BridgeThreadParts {
  readonly port: BridgeThreadPort;
  readonly options: WorkerOptions;
  /** Opens the byte stream to a server. */
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
}

export class BridgeThread {
  private readonly port: BridgeThreadPort;
  private readonly options: WorkerOptions;
  private readonly clock: Clock;
  private readonly session: MqttSession;
  private readonly publisher: Publisher;
  private readonly heldTopics: HeldTopics;
  private state: 'running' | 'ending' = 'running';
  private pumping: 'no' | 'soon' = 'no';
  private settled: number[] = [];
  private reported: PublishProgress | null = null;
  private nextMessage = 0;
  /** What the event loop has not dealt with yet, by number. */
  private readonly unhandled = new Map<number, () => void>();
  private checkIdle = () => {};
  private readonly lateness: Lateness;
  /** What was on its way when the process was held up waits from here on; monotonic ms. */
  private runningSince = Number.NEGATIVE_INFINITY;

  constructor({ port, options, dial, clock, random }: BridgeThreadParts) {
    this.port = port;
    this.options = options;
    this.clock = clock;
    this.lateness = new Lateness(ACK_CHECK_MS, clock.monotonic());
    const { baseTopic, routes, inFlight } = options;
    this.session = new MqttSession({
      options: options.peer,
      dial,
      clock,
      random,
      events: {
        connecting: (server) => this.report({ type: 'connecting', server }),
        connected: (server, hello) => this.connected(server, hello),
        failed: (server, message) => this.report({ type: 'failed', server, message }),
        acknowledged: (id, reason) => this.publisher.acknowledged(id, reason),
        turned: () => this.pumpSoon(),
        message: (message) => this.receive(message),
      },
    });
    this.publisher = new Publisher({
      baseTopic,
      routes,
      inFlight,
      connection: () => this.session.connection,
      refused: (topic, reason) =>
        this.report({ type: 'refused', message: `it refused a message on ${topic} (reason ${reason})` }),
      clock,
    });
    this.heldTopics = new HeldTopics({
      baseTopic,
      announcements: options.announcements,
      wrongStatus: () => this.assertStatus(),
      retained: (devices) => this.report({ type: 'retained', devices }),
      clock,
    });
  }

  start(): void {
    const { clock } = this;
    this.port.receive((request) => this.serve(request));
    clock.every(PROGRESS_MS, () => this.reportProgress());
    clock.every(ACK_CHECK_MS, () => this.checkAcks());
    this.session.start();
  }

  private serve(request: WorkerRequest): void {
    if (request.type === 'records') this.publisher.addRecords(request);
    else if (request.type === 'publish')
      this.publisher.addOthers(request.messages.map((one) => this.withTicket(one)));
    else if (request.type === 'handled') this.handled(request.number);
    else void this.stop();
    this.pumpSoon();
  }

  private withTicket({ ticket, ...publication }: OtherMessage): Message {
    return { ...publication, position: null, settled: () => void this.settled.push(ticket) };
  }

  private connected(server: string, hello: PeerHello): void {
    this.report({ type: 'connected', server, version: hello.version });
    this.publisher.connected(hello);
    this.assertStatus();
    const { connection } = this.session;
    if (!connection) return;
    const refused = (filter: string) => (message: string) =>
      this.report({ type: 'refused', message: `it refused the subscription to ${filter}: ${message}` });
    for (const filter of this.options.filters) {
      connection.subscribe(filter, { qos: 1, from: 'all', retain: 'as-published' }, refused(filter));
    }
    this.heldTopics.listen(connection, refused);
  }

  /** A will of an earlier connection may come after this one's birth: whoever sees it, says it again. */
  private assertStatus(): void {
    if (this.state === 'ending') return;
    this.publisher.addFirst(this.status('online'));
    this.pumpSoon();
  }

  private status(payload: 'online' | 'offline'): Message {
    return { topic: statusTopic(this.options.baseTopic), payload, qos: 1, retain: true, position: null };
  }

  private async receive(message: PeerMessage): Promise<void> {
    if (this.heldTopics.handle(message)) return;
    const number = this.nextMessage;
    this.nextMessage += 1;
    await new Promise<void>((resolve) => {
      this.unhandled.set(number, resolve);
      this.report({ type: 'message', number, message });
    });
  }

  private handled(number: number): void {
    this.unhandled.get(number)?.();
    this.unhandled.delete(number);
  }

  /** Once a turn: packets then leave together. */
  private pumpSoon(): void {
    if (this.pumping === 'soon') return;
    this.pumping = 'soon';
    this.clock.soon(() => {
      this.pumping = 'no';
      this.publisher.pump();
      this.reportSettled();
      if (this.publisher.sentSince(this.reported) >= this.options.inFlight / 2) this.reportProgress();
      this.checkIdle();
    });
  }

  private reportSettled(): void {
    if (this.settled.length === 0) return;
    this.report({ type: 'settled', tickets: this.settled });
    this.settled = [];
  }

  private reportProgress(): void {
    const { progress } = this.publisher;
    if (this.reported && isSame(this.reported, progress)) return;
    this.reported = progress;
    this.report({ type: 'progress', progress });
  }

  /** A peer that takes everything and acknowledges nothing is as good as none. */
  private checkAcks(): void {
    const { waitingSince } = this.publisher;
    const { ackMs } = this.options;
    const now = this.clock.monotonic();
    if (this.lateness.measure(now) > 0) this.runningSince = now;
    if (waitingSince === null || now - Math.max(waitingSince, this.runningSince) < ackMs) return;
    this.session.connection?.fail(`it has acknowledged nothing for ${ackMs / 1000} s`);
  }

  private async stop(): Promise<void> {
    if (this.state === 'ending') return;
    this.state = 'ending';
    this.publisher.end();
    const goodbye = this.session.connection ? await this.sayOffline() : 'unheard';
    await this.session.stop(goodbye);
    this.reportSettled();
    this.reportProgress();
    this.report({ type: 'stopped' });
  }

  /** Whether the server has heard it, and everything before it. */
  private async sayOffline(): Promise<'heard' | 'unheard'> {
    let goodbye: 'heard' | 'unheard' = 'unheard';
    const settled = () => {
      goodbye = 'heard';
    };
    this.publisher.addOthers([{ ...this.status('offline'), settled }]);
    await this.lastAcks();
    return goodbye;
  }

  private lastAcks(): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(LAST_ACKS_MS, resolve);
      this.checkIdle = () => this.publisher.idle && resolve();
    });
  }

  private report(report: WorkerReport): void {
    this.port.send(report);
  }
}

function isSame(a: PublishProgress, b: PublishProgress): boolean {
  const drops = (progress: PublishProgress) => Object.values(progress.dropped).join();
  const { done, read, inFlight, sent, repeated, others } = b;
  return (
    a.done === done &&
    a.read === read &&
    a.inFlight === inFlight &&
    a.sent === sent &&
    a.repeated === repeated &&
    a.others === others &&
    drops(a) === drops(b)
  );
}
