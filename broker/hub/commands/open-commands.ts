/**
 * Owns every command that is not final, and alone changes it; creation, delivery and results decide and ask it. Finds open
 * commands by id and by device, in the order of creation, counts them by customer and by key, and ends those whose time
 * runs out. What a device said is in the log already: listeners hear of it at once, and its row is saved within a moment.
 * What the broker decides is durable before listeners hear of it. Rows are saved in groups.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { WriteBehind } from '../../base/write-behind.ts';
import type { CommandStore } from '../../store/command-ports.ts';
import type { Position } from '../../store/position.ts';
import { everyPage } from '../../store/subject.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Ingest } from '../telemetry/ingest.ts';
import { type Command, type CommandListener, isFinal, readCommand, writeCommand } from './command.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import {
  answered,
  countAttempt,
  type DeviceResult,
  endedBy,
  expired,
  isWaiting,
  waitingFor,
  written,
} from './life.ts';

/** A command that is not final, with what the broker must know of it right now. Only `OpenCommands` changes it. */
export interface OpenCommand {
  readonly command: Command;
  /** `storing`: nobody knows of it until it is durable. `ended`: final; it waits to be saved, no more. */
  readonly state: 'storing' | 'open' | 'ended';
  /** The connection that it is written to, or is about to be; null: it waits. */
  readonly session: string | null;
  /**
   * The next attempt: `counted`, which is being saved; `durable`, so its bytes may leave. It stays so when its connection
   * goes before the bytes do, and the next connection uses it. `none`: they have left.
   */
  readonly attempt: 'none' | 'counted' | 'durable';
  /**
   * Up to which log position it holds results, once it has ended, and while the log is replayed over a row; null: up to the
   * one that is applied.
   */
  readonly position: Position | null;
  readonly expiry: Deadline | null;
  readonly acceptance: Deadline | null;
}

type Changeable = { -readonly [Member in keyof OpenCommand]: OpenCommand[Member] };

export interface OpenCommandsParts {
  readonly store: Pick<CommandStore, 'loadOpenCommands' | 'findCommands' | 'saveCommands'>;
  readonly fleet: Pick<Fleet, 'find'>;
  readonly ingest: Pick<Ingest, 'position' | 'flushed'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a step that is safe in the log may wait for others; ms. */
const LAZY = 100;
/** Rows of one transaction. */
const GROUP = 1000;

const RESTARTED =
  'The broker was restarted before the device accepted it, and a ttl of 0 means now or never.';

export class OpenCommands {
  private readonly parts: OpenCommandsParts;
  private readonly deadlines: Deadlines;
  private readonly writes: WriteBehind<OpenCommand>;
  private life: 'running' | 'stopped' = 'running';
  private readonly listeners = new Set<CommandListener>();
  /** Those whose end is being saved: nobody hears of it, nor of anything else of theirs, before that is done. */
  private readonly deciding = new Set<OpenCommand>();
  private readonly byId = new Map<string, Changeable>();
  private readonly byDevice = new Map<string, Set<Changeable>>();
  /** By customer, and by `customer/key`. */
  private readonly counts = new Map<string, number>();

  constructor(parts: OpenCommandsParts) {
    this.parts = parts;
    const { store, ingest, clock, logger } = parts;
    this.deadlines = new Deadlines(clock);
    this.writes = new WriteBehind({
      save: (entries) =>
        store.saveCommands(
          entries.map(({ command, position }) => writeCommand(command, position ?? ingest.position)),
        ),
      group: GROUP,
      delay: LAZY,
      clock,
      logger,
      failure: 'Commands could not be saved.',
    });
  }

  /** What is not final comes back from the store; before the log is replayed. */
  async load(): Promise<void> {
    for await (const rows of everyPage(this.parts.store.loadOpenCommands)) {
      for (const row of rows) this.hold(entryOf(readCommand(row), 'open', row.position));
    }
  }

  /** After the replay: what runs out from now on ends, and so does what ran out meanwhile. */
  start(): void {
    for (const entry of [...this.byId.values()]) {
      entry.position = null;
      if (entry.command.ttl === 0 && isWaiting(entry.command)) this.endSoon(entry, 'failed', RESTARTED);
      else this.watchExpiry(entry);
    }
  }

  /** Idempotent; nothing ends, and nothing is saved, by itself any more. */
  stop(): void {
    this.life = 'stopped';
    this.deadlines.stop();
    this.writes.stop();
  }

  /** Resolves when everything so far is durable. Rejects with the store's error. */
  flush(): Promise<void> {
    return this.writes.flush();
  }

  /** Called with a command after each of its steps. Returns the function that takes the listener away. */
  onStep(listener: CommandListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get size(): number {
    return this.byId.size;
  }

  find(customer: string, id: string): OpenCommand | null {
    return this.byId.get(`${customer}/${id}`) ?? null;
  }

  /** Oldest first. */
  of(customer: string, device: string): readonly OpenCommand[] {
    return [...(this.byDevice.get(`${customer}/${device}`) ?? [])];
  }

  count(customer: string, device: string): number {
    return this.byDevice.get(`${customer}/${device}`)?.size ?? 0;
  }

  countOfCustomer(customer: string): number {
    return this.counts.get(customer) ?? 0;
  }

  /** Those that one key has asked of one customer's devices. */
  countOfKey(customer: string, key: string): number {
    return this.counts.get(`${customer}/${key}`) ?? 0;
  }

  /** A new one, in the order of `number`; it may have ended as it began. Nobody hears of it before `open`. */
  add(command: Command): OpenCommand {
    return this.hold(entryOf(command, 'storing', null));
  }

  /** Resolves when it is durable as it is now. Rejects with the store's error. */
  save(entry: OpenCommand): Promise<void> {
    this.writes.add(entry);
    return this.writes.flush();
  }

  /** A new one that is durable: everybody hears of it, and from now on it may expire. */
  open(entry: Changeable): void {
    // Cancelled in the same moment: notified already.
    if (entry.state === 'ended') return;
    if (isFinal(entry.command.status)) {
      entry.state = 'ended';
      this.remove(entry);
      this.notify(entry.command);
      return;
    }
    entry.state = 'open';
    if (entry.attempt === 'counted') entry.attempt = 'durable';
    this.notify(entry.command);
    this.watchExpiry(entry);
  }

  /** It goes to this connection next. One more attempt is counted, if the bytes of the last one have left. */
  bind(entry: Changeable, session: string): void {
    if (entry.attempt === 'none') {
      entry.command = countAttempt(entry.command);
      entry.attempt = 'counted';
    }
    entry.session = session;
  }

  /** Resolves when the attempts that were just counted are durable. */
  async saveAttempts(entries: readonly Changeable[]): Promise<void> {
    const saving = entries.map((entry) => ({ entry, attempts: entry.command.attempts }));
    await Promise.all(entries.map((entry) => this.save(entry)));
    for (const { entry, attempts } of saving) {
      // While one attempt is saved the next may be counted, on the next connection: a save speaks for its own.
      const isOfThis = entry.attempt === 'counted' && entry.command.attempts === attempts;
      if (isOfThis) entry.attempt = 'durable';
    }
  }

  /** Its bytes are about to leave. */
  sending(entry: Changeable): void {
    entry.attempt = 'none';
  }

  /** Its bytes have left, as this attempt. Without an acceptance within so many ms `overdue` is called. */
  sent(
    entry: Changeable,
    to: { readonly session: string; readonly attempt: number },
    acceptance: { readonly within: number; readonly overdue: () => void },
  ): void {
    this.apply(entry, written(entry.command, { ...to, at: this.parts.clock.now() }));
    const isOut = () => entry.state === 'open' && isInFlight(entry, to.session);
    if (!isOut()) return;
    entry.acceptance?.cancel();
    entry.acceptance = this.deadlines.after(acceptance.within, () => {
      if (isOut()) acceptance.overdue();
    });
  }

  /** Its connection has gone, or the device did not accept it there: it waits for the next attempt. */
  release(entry: Changeable): void {
    entry.session = null;
    entry.acceptance?.cancel();
    entry.acceptance = null;
  }

  /** What the device said, as the log holds it at `position`. Says nothing where the row holds it already. */
  answer(entry: Changeable, result: DeviceResult, position: Position): void {
    if (position < (entry.position ?? 0)) return;
    // Two steps, for whoever follows it must hear of the end as well as of the late result.
    if (result.at >= entry.command.expiresAt) this.apply(entry, expired(entry.command, null));
    this.apply(entry, answered(entry.command, result));
  }

  /** What a device said of its command that has ended: kept as late, if the command is in the store and does not hold it. */
  async answerLate(
    { customer, device, id }: Pick<Command, 'customer' | 'device' | 'id'>,
    result: DeviceResult,
    position: Position,
  ): Promise<void> {
    await this.flush();
    const [row] = await this.parts.store.findCommands(customer, id);
    if (row?.device !== device) return;
    // It keeps the position of its end: another late one may be on the way, and to keep one twice changes nothing.
    this.answer(entryOf(readCommand(row), 'ended', row.position), result, position);
  }

  /** The broker or a person ends it; one that is final stays what it is. Durable when it resolves, and then notified. */
  end(
    entry: OpenCommand,
    status: 'failed' | 'expired' | 'cancelled',
    why: { readonly reason: string; readonly by?: string },
  ): Promise<void> {
    return this.decide(entry, endedBy(entry.command, status, { at: this.parts.clock.now(), ...why }));
  }

  /** Ends it; nobody waits for that. */
  endSoon(entry: OpenCommand, status: 'failed' | 'cancelled', reason: string): void {
    this.report(this.end(entry, status, { reason }));
  }

  private watchExpiry(entry: Changeable): void {
    entry.expiry = this.deadlines.set(entry.command.expiresAt, () => this.report(this.expire(entry)));
  }

  /** What the device said in time may still be on its way into the log: it goes first. */
  private async expire(entry: OpenCommand): Promise<void> {
    await this.parts.ingest.flushed();
    // After a stop the store takes nothing more; the next start ends it.
    if (entry.state !== 'open' || this.life === 'stopped') return;
    const { command } = entry;
    const device = this.parts.fleet.find(command.customer, command.device);
    await this.decide(entry, expired(command, waitingFor(command, device)));
  }

  /** A step that is on record elsewhere, or that nobody relies on after a crash. */
  private apply(entry: Changeable, next: Command): void {
    if (next === entry.command) return;
    this.change(entry, next);
    this.writes.addSoon(entry);
    if (!this.deciding.has(entry)) this.notify(next);
  }

  /** A step that the broker takes: durable when it resolves, and then notified. */
  private async decide(entry: Changeable, next: Command): Promise<void> {
    if (next === entry.command) return this.flush();
    this.change(entry, next);
    this.deciding.add(entry);
    try {
      await this.save(entry);
    } finally {
      this.deciding.delete(entry);
    }
    this.notify(entry.command);
  }

  private change(entry: Changeable, next: Command): void {
    entry.command = next;
    if (entry.state === 'ended') return;
    if (!isFinal(next.status)) {
      entry.position = null;
      return;
    }
    entry.state = 'ended';
    // What comes from now on is late, and not in it until it is kept.
    entry.position = this.parts.ingest.position;
    entry.expiry?.cancel();
    entry.acceptance?.cancel();
    this.remove(entry);
  }

  private notify(command: Command): void {
    for (const listener of this.listeners) listener(command);
  }

  private hold(entry: Changeable): OpenCommand {
    const { customer, device, id } = entry.command;
    this.byId.set(`${customer}/${id}`, entry);
    this.addToCounts(entry.command, 1);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name) ?? new Set();
    this.byDevice.set(name, entries.add(entry));
    return entry;
  }

  private remove(entry: Changeable): void {
    const { customer, device, id } = entry.command;
    if (!this.byId.delete(`${customer}/${id}`)) return;
    this.addToCounts(entry.command, -1);
    const name = `${customer}/${device}`;
    const entries = this.byDevice.get(name);
    entries?.delete(entry);
    if (entries?.size === 0) this.byDevice.delete(name);
  }

  private addToCounts({ customer, by }: Command, change: 1 | -1): void {
    for (const owner of [customer, `${customer}/${by}`]) {
      const count = (this.counts.get(owner) ?? 0) + change;
      if (count === 0) this.counts.delete(owner);
      else this.counts.set(owner, count);
    }
  }

  private report(work: Promise<void>): void {
    inBackground(work, this.parts.logger, 'A command was not saved.');
  }
}

function entryOf(command: Command, state: OpenCommand['state'], position: Position | null): Changeable {
  return { command, state, session: null, attempt: 'none', position, expiry: null, acceptance: null };
}

/** Written to this connection, or about to be, and not accepted yet. */
export function isInFlight({ command, session }: OpenCommand, to: string): boolean {
  return session === to && isWaiting(command);
}
