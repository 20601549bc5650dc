/**
 * A simulated viewer of the live channel: connects again with backoff, subscribes, watches, changes its mind, makes mistakes and sometimes
 * does not read, each as its character says. Owns its connection, its key, and what it has done that may close it.
 */
import type { Timer } from '../../broker/base/clock.ts';
import type { ServerMessage } from '../../schemas/live.ts';
import type { Faults } from './judges.ts';
import type { Network } from './network.ts';
import type { SimulatedProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import { SOON, VIEWER_RULES, type ViewerJudge } from './viewer-judge.ts';
import { Topics } from './viewer-topics.ts';
import { ViewerWhims } from './viewer-whims.ts';
import { ClientSocket } from './websocket.ts';
import type { World } from './world.ts';

/** Of its key: valid, revoked for certain, or perhaps. `none`: it waits for one. */
export type KeyState = 'valid' | 'perhaps' | 'revoked' | 'none';

export interface ViewerKey {
  readonly text: string;
  readonly id: string;
  state: KeyState;
}

export interface ViewerParts {
  readonly world: World;
  readonly network: Network;
  readonly faults: Faults;
  readonly judge: ViewerJudge;
  readonly address: string;
  readonly name: string;
  /** Of its own, so that what one does wrong is counted for nobody else. */
  readonly from: string;
  /** What it may subscribe to; the first is what it always has. */
  readonly topics: readonly string[];
  readonly devices: readonly string[];
  /** What it may not; null: there is nothing. */
  readonly foreignTopic: string | null;
  readonly process: () => SimulatedProcess | null;
  /** Of the broker, so far. */
  readonly starts: () => number;
  /** The key is no good any more. */
  readonly needsKey: (viewer: Viewer) => void;
}

/** After a connection on which nothing came for 2.5 pings; ms. */
const SILENCE = 80_000;
/** For how long bytes may wait for it; and what the broker needs to see it, and to close without an answer. */
const PATIENCE = 10_000;
const CLOSING = 3500;

export class Viewer {
  readonly parts: ViewerParts;
  readonly topics: Topics;
  key: ViewerKey;
  state: 'off' | 'waiting' | 'connecting' | 'connected' = 'off';
  reading: 'reading' | 'paused' = 'reading';
  calm = false;
  socket: ClientSocket | null = null;
  private readonly random: SeededRandom;
  private readonly whims: ViewerWhims;
  /** Bytes that may be on their way to it. */
  private readonly window: number;
  private process: SimulatedProcess | null = null;
  private timer: Timer | null = null;
  private patience: Timer | null = null;
  private failures = 0;
  /** The close codes that what it did should give it. */
  private readonly deserved = new Set<number>();
  private longestStall = 0;
  private statsAt: number | null = null;
  private stats = 0;

  constructor(parts: ViewerParts, key: ViewerKey) {
    const { world, name } = parts;
    this.parts = parts;
    this.key = key;
    this.random = world.randomOf(name);
    this.window = this.random.pick([2048, 16_384, 131_072]);
    this.whims = new ViewerWhims(this, this.random);
    const send = (text: string) => {
      world.note(name, 'sends', text);
      this.socket?.sendText(text);
    };
    this.topics = new Topics({ world, send });
  }

  /** null: it is connected, and has been told for a while. */
  get waitsFor(): string | null {
    const { name } = this.parts;
    if (this.state !== 'connected') return `${name} is ${this.state}`;
    const open = this.topics.all.find(({ since }) => since === Number.POSITIVE_INFINITY);
    if (open) return `${name} waits for a snapshot of ${open.topic}`;
    return this.stats < 12 ? `${name} waits for stats` : null;
  }

  start(): void {
    this.connectIn(this.random.between(0, 3000));
    this.whims.start();
  }

  beginCalm(): void {
    this.calm = true;
    this.stats = 0;
    this.resume();
  }

  stop(): void {
    this.state = 'off';
    this.whims.stop();
    this.timer?.cancel();
    this.patience?.cancel();
    this.socket?.cut();
    this.socket = null;
  }

  /** It reads nothing for a while; ms. */
  pause(duration: number): void {
    const { socket } = this;
    const { world, name } = this.parts;
    if (!socket?.isOpen || this.calm || this.reading === 'paused') return;
    this.reading = 'paused';
    socket.pause();
    this.patience?.cancel();
    world.note(name, 'reads nothing', `for ${duration} ms`);
    world.after(duration, () => this.socket === socket && this.resume(), null);
  }

  /** The broker has said that its key is revoked: it is told nothing more. */
  revoked(): void {
    this.key.state = 'revoked';
    this.mustEnd('keys', CLOSING + 2 * SOON, () => 'it is still connected, and its key was revoked');
  }

  /** It does what closes it with this code. */
  deserve(code: number): void {
    this.deserved.add(code);
    this.mustEnd('closed', 3 * SOON, () => `it deserves ${code}, and is still connected`);
  }

  check(rule: keyof typeof VIEWER_RULES, holds: boolean, message: () => string): void {
    this.parts.faults.check(VIEWER_RULES[rule], holds, () => `${this.parts.name}: ${message()}`);
  }

  private resume(): void {
    const { socket, process } = this;
    if (!socket || this.reading === 'reading') return;
    const { world } = this.parts;
    const stalled = socket.stalledAt === null ? 0 : world.time - socket.stalledAt;
    this.reading = 'reading';
    this.longestStall = Math.max(this.longestStall, stalled);
    const wasHeld = process === null || process.heldUntil > world.time - stalled;
    socket.resume();
    this.hear();
    if (stalled <= PATIENCE + CLOSING || wasHeld) return;
    this.mustEnd('slow', 3 * SOON, () => `did not read for ${Math.round(stalled)} ms and is not closed`);
  }

  /** This connection is over after `within` ms, unless nobody could have ended it, or it could not hear of that. */
  private mustEnd(rule: keyof typeof VIEWER_RULES, within: number, message: () => string): void {
    const { socket, process } = this;
    const { world } = this.parts;
    if (!socket?.isOpen || !process?.alive) return;
    const begun = world.time;
    const look = () => {
      const couldNot = !process.alive || process.heldUntil > begun || socket.isHalfOpen;
      this.check(rule, couldNot || this.socket !== socket || this.reading === 'paused', message);
    };
    world.after(within, look, null);
  }

  private connectIn(milliseconds: number): void {
    this.state = 'waiting';
    this.timer?.cancel();
    this.timer = this.parts.world.after(milliseconds, () => this.connect(), null);
  }

  private connect(): void {
    if (this.key.state === 'none') {
      this.parts.needsKey(this);
      this.connectIn(2000);
      return;
    }
    const { network, address, from } = this.parts;
    const { text, state } = this.key;
    this.state = 'connecting';
    const socket: ClientSocket = new ClientSocket(
      network,
      this.random,
      { address, from, path: '/v1/live', key: text, window: this.window },
      {
        open: () => this.socket === socket && this.opened(state),
        refused: (status, body) => this.socket === socket && this.refused(status, body),
        message: (data, isText, sentAt) => this.socket === socket && this.receive(data, isText, sentAt),
        ping: () => this.socket === socket && this.hear(),
        closed: (code, reason) => this.socket === socket && this.closed(code, reason),
      },
    );
    this.socket = socket;
    this.reading = 'reading';
    this.hear();
  }

  private hear(): void {
    this.patience?.cancel();
    this.patience = this.parts.world.after(SILENCE, () => this.socket?.cut(), null);
  }

  private opened(keyWas: KeyState): void {
    const { world, judge, process, starts } = this.parts;
    this.check('keys', keyWas !== 'revoked', () => 'it was let in by a key that is revoked');
    this.state = 'connected';
    this.failures = 0;
    this.process = process();
    this.statsAt = null;
    this.stats = 0;
    this.longestStall = 0;
    this.deserved.clear();
    judge.connected(starts(), world.time);
    this.whims.begin();
  }

  private refused(status: number, body: string): void {
    const isUnauthorized = status === 401;
    const { state } = this.key;
    this.check('keys', !isUnauthorized || state !== 'valid', () => `its key is valid, and it got ${body}`);
    this.check('closed', isUnauthorized || status === 503, () => `refused with ${status} ${body}`);
    if (isUnauthorized) this.key.state = 'none';
    this.gone();
  }

  private closed(code: number, reason: string): void {
    const { world, name } = this.parts;
    world.note(name, 'is closed', `${code} ${reason}`);
    if (this.state === 'connected') this.judgeClose(code, reason);
    if (code === 4003) this.key.state = 'none';
    this.gone();
  }

  private judgeClose(code: number, reason: string): void {
    const isOfKey = code === 4003 && this.key.state !== 'valid';
    const isExplained = [1001, 1006, 1013, ...this.deserved].includes(code) || isOfKey;
    this.check('closed', isExplained, () => `closed with ${code} ${reason}`);
    if (code !== 1013) return;
    this.check('slow', this.longestStall >= PATIENCE - 500, () => {
      return `closed with 1013 after ${Math.round(this.longestStall)} ms without reading`;
    });
  }

  private gone(): void {
    this.socket = null;
    this.process = null;
    this.patience?.cancel();
    this.topics.clear();
    if (this.state === 'off') return;
    this.failures += 1;
    this.connectIn(this.random.between(0, Math.min(20_000, 500 * 2 ** this.failures)));
  }

  private receive(data: Uint8Array, isText: boolean, sentAt: number): void {
    this.hear();
    const { judge, world, name } = this.parts;
    this.check('closed', isText, () => 'a binary message came');
    const text = Buffer.from(data).toString();
    const message = JSON.parse(text) as ServerMessage;
    world.tell(name, 'is told', () => text.slice(0, 300));
    judge.told(message, sentAt, world.time);
    if (message.type === 'snapshot') {
      const follows = this.topics.addPage(message);
      this.check('pages', follows, () => `page ${message.page} of ${message.id} follows nothing`);
    } else if (message.type === 'stats') this.hearStats(sentAt);
    else if (message.type !== 'error') this.topics.apply(message);
    else if (!message.code.endsWith('-missed')) {
      const { code, id } = message;
      const instead = this.topics.answered(code, id, this.isSlow);
      this.check('errors', instead === null, () => `told ${code} of ${id}; ${instead} was to come`);
    }
  }

  private hearStats(sentAt: number): void {
    const { world, judge } = this.parts;
    const { process, statsAt } = this;
    this.statsAt = sentAt;
    this.stats += 1;
    const since = Math.min(statsAt ?? sentAt, world.time - 3 * SOON);
    if (this.isSlow || !process?.alive || process.heldUntil > since) return;
    if (statsAt !== null) {
      this.check('second', sentAt - statsAt < 1500, () => `${sentAt - statsAt} ms between two stats`);
    }
    // In the weather a disk may hold up what is durable already for as long as it likes.
    if (this.stats > 10 && this.calm) judge.settled(sentAt);
    this.topics.markAgain(SOON);
  }

  /** Not everything that waited may have come since, and answers may have been left out. */
  private get isSlow(): boolean {
    return (this.socket?.waitedTo ?? 0) > this.parts.world.time - 3 * SOON;
  }
}
