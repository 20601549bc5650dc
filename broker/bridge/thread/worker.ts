/**
 * The bridge's thread: all that MQTT costs is paid here, so that a slow, broken or hostile peer takes nothing from
 * ingestion. Owns peer and publisher, and answers the event loop's requests.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { Lateness } from '../../base/lateness.ts';
import { systemTimers } from '../../base/system-timers.ts';
import type { OtherMessage, Progress, WorkerOptions, WorkerReport, WorkerRequest } from '../messages.ts';
import type { PeerHello, PeerMessage } from '../mqtt/link.ts';
import { Peer } from '../mqtt/peer.ts';
import { statusTopic } from '../topics.ts';
import { Echoes } from './echoes.ts';
import { Publisher } from './publisher.ts';
import type { Message } from './window.ts';

const PROGRESS_MS = 50;
const ACK_CHECK_MS = 500;
/** How long a stop waits for acknowledgements. */
const LAST_ACKS_MS = 2000;

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  ...systemTimers,
};

class BridgeThread {
  private readonly port: MessagePort;
  private readonly options: WorkerOptions;
  private readonly peer: Peer;
  private readonly publisher: Publisher;
  private readonly echoes: Echoes;
  private state: 'running' | 'ending' = 'running';
  private pumping: 'no' | 'soon' = 'no';
  private settled: number[] = [];
  private told: Progress | null = null;
  private nextMessage = 0;
  /** What the event loop has not dealt with yet, by number. */
  private readonly taking = new Map<number, () => void>();
  private checkIdle = () => {};
  private readonly lateness = new Lateness(ACK_CHECK_MS, clock.monotonic());
  /** What was on its way when the process was held up waits from here on; monotonic ms. */
  private runningSince = Number.NEGATIVE_INFINITY;

  constructor(port: MessagePort, options: WorkerOptions) {
    this.port = port;
    this.options = options;
    const { baseTopic, routes, inFlight } = options;
    this.peer = new Peer({
      options: options.peer,
      clock,
      random: () => Math.random(),
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
      link: () => this.peer.link,
      refused: (topic, reason) =>
        this.report({ type: 'refused', message: `it refused a message on ${topic} (reason ${reason})` }),
      clock,
    });
    this.echoes = new Echoes({
      baseTopic,
      wrongStatus: () => this.assertStatus(),
      retained: (devices) => this.report({ type: 'retained', devices }),
      clock,
    });
  }

  start(): void {
    this.port.on('message', (request: WorkerRequest) => this.serve(request));
    clock.every(PROGRESS_MS, () => this.tellProgress());
    clock.every(ACK_CHECK_MS, () => this.checkAcks());
    this.peer.start();
  }

  private serve(request: WorkerRequest): void {
    if (request.type === 'records') this.publisher.addRecords(request);
    else if (request.type === 'publish')
      this.publisher.addOthers(request.messages.map((one) => this.withTicket(one)));
    else if (request.type === 'taken') this.taken(request.number);
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
    const { link } = this.peer;
    if (!link) return;
    const refused = (filter: string) => (message: string) =>
      this.report({ type: 'refused', message: `it refused the subscription to ${filter}: ${message}` });
    for (const filter of this.options.filters) {
      link.subscribe(filter, { qos: 1, from: 'all', retain: 'as-published' }, refused(filter));
    }
    this.echoes.listen(link, refused);
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
    if (this.echoes.take(message)) return;
    const number = this.nextMessage;
    this.nextMessage += 1;
    await new Promise<void>((resolve) => {
      this.taking.set(number, resolve);
      this.report({ type: 'message', number, message });
    });
  }

  private taken(number: number): void {
    this.taking.get(number)?.();
    this.taking.delete(number);
  }

  /** Once a turn: packets then leave together. */
  private pumpSoon(): void {
    if (this.pumping === 'soon') return;
    this.pumping = 'soon';
    setImmediate(() => {
      this.pumping = 'no';
      this.publisher.pump();
      this.tellSettled();
      if (this.publisher.sentSince(this.told) >= this.options.inFlight / 2) this.tellProgress();
      this.checkIdle();
    });
  }

  private tellSettled(): void {
    if (this.settled.length === 0) return;
    this.report({ type: 'settled', tickets: this.settled });
    this.settled = [];
  }

  private tellProgress(): void {
    const { progress } = this.publisher;
    if (this.told && isSame(this.told, progress)) return;
    this.told = progress;
    this.report({ type: 'progress', progress });
  }

  /** A peer that takes everything and acknowledges nothing is as good as none. */
  private checkAcks(): void {
    const { waitingSince } = this.publisher;
    const { ackMs } = this.options;
    const now = clock.monotonic();
    if (this.lateness.measure(now) > 0) this.runningSince = now;
    if (waitingSince === null || now - Math.max(waitingSince, this.runningSince) < ackMs) return;
    this.peer.link?.fail(`it has acknowledged nothing for ${ackMs / 1000} s`);
  }

  private async stop(): Promise<void> {
    if (this.state === 'ending') return;
    this.state = 'ending';
    this.publisher.end();
    if (this.peer.link) {
      this.publisher.addOthers([this.status('offline')]);
      await this.lastAcks();
    }
    await this.peer.stop();
    this.tellSettled();
    this.tellProgress();
    this.report({ type: 'stopped' });
  }

  private lastAcks(): Promise<void> {
    return new Promise((resolve) => {
      clock.after(LAST_ACKS_MS, resolve);
      this.checkIdle = () => this.publisher.idle && resolve();
    });
  }

  private report(report: WorkerReport): void {
    this.port.postMessage(report);
  }
}

function isSame(a: Progress, b: Progress): boolean {
  const drops = (progress: Progress) => Object.values(progress.dropped).join();
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

if (!parentPort) throw new Error('bridge/thread/worker.ts is the entry of a worker thread');
new BridgeThread(parentPort, workerData as WorkerOptions).start();
