/**
 * Commands to devices (P-5): asks for them, takes them back, tells where they stand, and takes what devices say of them.
 * Ties its parts together: `creation.ts` makes commands, `delivery.ts` writes them to devices, `steps.ts` changes them,
 * `journal.ts` saves them. Owns when they expire.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { CommandStore } from '../../store/command-ports.ts';
import { everyPage } from '../../store/subject.ts';
import type { ResultFrame } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { HubRefusal } from '../refusal.ts';
import type { Ingest } from '../telemetry/ingest.ts';
import {
  type Command,
  type CommandDesk,
  type CommandListener,
  type CommandListQuery,
  type CommandPage,
  type CommandRequest,
  type IssuedCommand,
  isFinal,
  readCommand,
} from './command.ts';
import { type CommandLimits, Creation } from './creation.ts';
import { Deadlines } from './deadlines.ts';
import { Delivery } from './delivery.ts';
import { LateResults } from './late-results.ts';
import { answered, endedBy, expired, isWaiting, waitingFor } from './life.ts';
import { type Entry, Journal, newEntry, OpenCommands, Steps } from './open-commands.ts';

export interface CommandServiceParts {
  readonly store: CommandStore;
  readonly fleet: Fleet;
  readonly ingest: Pick<Ingest, 'position' | 'flushed'>;
  readonly limits: CommandLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
}

/** A result whose frame is in the log. */
export interface CommittedResult {
  readonly customer: string;
  readonly device: string;
  readonly session: string;
  readonly frame: ResultFrame;
  /** Unix ms. */
  readonly arrival: number;
  /** Of the record that holds it, or after it. */
  readonly position: number;
}

const RESTARTED =
  'The broker was restarted before the device accepted it, and a ttl of 0 means now or never.';
const FORGOTTEN = 'The device was forgotten.';

export class CommandService implements CommandDesk {
  private readonly parts: CommandServiceParts;
  private readonly open = new OpenCommands();
  private readonly deadlines: Deadlines;
  private readonly journal: Journal;
  private readonly steps: Steps;
  private readonly delivery: Delivery;
  private readonly late: LateResults;
  private readonly creation: Creation;
  /** Up to which log position an entry holds results; while the log is replayed. */
  private readonly heldTo = new Map<Entry, number>();
  private undo: (() => void)[] = [];

  constructor(parts: CommandServiceParts) {
    this.parts = parts;
    const { open } = this;
    const { fleet } = parts;
    const deadlines = new Deadlines(parts.clock);
    const journal = new Journal(parts);
    const steps = new Steps({ ...parts, open, journal, revisions: fleet.revisions });
    const delivery = new Delivery({ ...parts, open, steps, journal, deadlines });
    this.deadlines = deadlines;
    this.journal = journal;
    this.steps = steps;
    this.delivery = delivery;
    this.late = new LateResults({ ...parts, steps, journal });
    this.creation = new Creation({
      ...parts,
      open,
      steps,
      journal,
      delivery,
      findDevice: (customer, device) => fleet.find(customer, device),
      findCommand: (customer, id) => this.findOne(customer, id),
      opened: (entry, device) => this.opened(entry, device),
    });
  }

  /** How many are not final. */
  get waiting(): number {
    return this.open.size;
  }

  /** What is not final comes back from the store; before the log is replayed. */
  async load(): Promise<void> {
    const { store } = this.parts;
    this.creation.number = await store.lastCommandNumber();
    for await (const rows of everyPage(store.loadOpenCommands)) {
      for (const row of rows) {
        const entry = newEntry(readCommand(row), 'open');
        this.open.add(entry);
        this.heldTo.set(entry, row.position);
      }
    }
  }

  /** After the replay: timers are as they were, and what ran out meanwhile ends. */
  async start(): Promise<void> {
    await this.late.settled();
    this.heldTo.clear();
    for (const entry of [...this.open.all()]) {
      if (entry.command.ttl === 0 && isWaiting(entry.command)) this.end(entry, 'failed', RESTARTED);
      else this.watch(entry);
    }
    const { fleet } = this.parts;
    this.undo = [
      this.steps.onStep((command) => this.makeWay(command)),
      fleet.onPresence((device) => this.delivery.connectionChanged(device)),
      fleet.onForget((customer, device) => {
        for (const entry of this.open.of(customer, device)) this.end(entry, 'cancelled', FORGOTTEN);
      }),
    ];
  }

  /** Saves what is not saved. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.save();
  }

  /** Stops without saving; after a failure of the store. */
  abandon(): void {
    for (const undo of this.undo.splice(0)) undo();
    this.deadlines.stop();
    this.delivery.stop();
    this.journal.stop();
  }

  /** Resolves when everything so far is durable; the checkpoint asks for it. */
  async save(): Promise<void> {
    await this.late.settled();
    await this.journal.flush();
  }

  onStep(listener: CommandListener): () => void {
    return this.steps.onStep(listener);
  }

  issue(request: CommandRequest): Promise<IssuedCommand> {
    return this.creation.issue(request);
  }

  async cancel(customer: string, id: string, by: string): Promise<Command | null> {
    const entry = this.open.find(customer, id);
    if (entry && !isFinal(entry.command.status)) {
      const why = { at: this.parts.clock.now(), reason: 'It was cancelled.', by };
      await this.steps.decide(entry, endedBy(entry.command, 'cancelled', why));
      return entry.command;
    }
    const [command] = await this.find(customer, id);
    if (!command) return null;
    throw new HubRefusal('conflict', `The command is ${command.status}; there is nothing to cancel.`);
  }

  async cancelWaiting(customer: string, device: string, by: string): Promise<number> {
    const waiting = this.open.of(customer, device).filter(({ command }) => isWaiting(command));
    const why = { at: this.parts.clock.now(), reason: 'Everything that waited was cancelled.', by };
    await Promise.all(
      waiting.map((entry) => this.steps.decide(entry, endedBy(entry.command, 'cancelled', why))),
    );
    return waiting.length;
  }

  async find(customer: string, id: string): Promise<readonly Command[]> {
    await this.parts.store.unlessHeldUp(this.journal.flush());
    return (await this.parts.store.findCommands(customer, id)).map(readCommand);
  }

  async list(query: CommandListQuery): Promise<CommandPage> {
    await this.parts.store.unlessHeldUp(this.journal.flush());
    const { items, next } = await this.parts.store.listCommands(query);
    return { items: items.map(readCommand), next };
  }

  waitingFor(command: Command): string | null {
    return waitingFor(command, this.parts.fleet.find(command.customer, command.device));
  }

  /** Whether the device has, or had, a command of this id. Asks the store for those that have ended. */
  knows(device: Device, id: string): boolean | Promise<boolean> {
    if (this.openOf(device.customer, device.id, id)) return true;
    return this.parts.store
      .findCommands(device.customer, id)
      .then(([row]) => row !== undefined && row.device === device.id);
  }

  /** The device can be written to (P-3.3). Resolves when what waits for it is handed over. */
  ready(device: Device): Promise<void> {
    return this.delivery.deliver(device);
  }

  /** A result of the log: just committed, or replayed at a start. */
  result({ customer, device, frame, session, arrival, position }: CommittedResult): void {
    const result = { frame, session, at: arrival };
    const entry = this.openOf(customer, device, frame.id);
    if (!entry) {
      this.late.add({ customer, device, id: frame.id, result, position });
      return;
    }
    if (position < (this.heldTo.get(entry) ?? 0)) return;
    // Two steps, for whoever follows it must hear of the end as well as of the late result.
    if (arrival >= entry.command.expiresAt) this.steps.take(entry, expired(entry.command, null));
    this.steps.take(entry, answered(entry.command, result));
  }

  /** Every command has a row from its creation on: where there is none, nobody must wait for what is being saved. */
  private async findOne(customer: string, id: string): Promise<Command | null> {
    const rows = await this.parts.store.findCommands(customer, id);
    return rows.length === 0 ? null : ((await this.find(customer, id))[0] ?? null);
  }

  private openOf(customer: string, device: string, id: string): Entry | null {
    const entry = this.open.find(customer, id);
    return entry?.command.device === device ? entry : null;
  }

  private opened(entry: Entry, device: Device): void {
    this.watch(entry);
    this.report(this.delivery.opened(entry, device));
  }

  /** One that is accepted or over makes room for those that wait. */
  private makeWay(command: Command): void {
    const { customer, device } = command;
    if (isWaiting(command) || this.open.count(customer, device) === 0) return;
    const known = this.parts.fleet.find(customer, device);
    if (known) this.report(this.delivery.deliver(known));
  }

  private watch(entry: Entry): void {
    entry.expiry = this.deadlines.set(entry.command.expiresAt, () => this.report(this.expire(entry)));
  }

  /** What the device said in time may still be on its way into the log: it goes first. */
  private async expire(entry: Entry): Promise<void> {
    await this.parts.ingest.flushed();
    const { command } = entry;
    if (entry.state === 'open') {
      await this.steps.decide(entry, expired(command, this.waitingFor(command)));
    }
  }

  private end(entry: Entry, status: 'failed' | 'cancelled', reason: string): void {
    const why = { at: this.parts.clock.now(), reason };
    this.report(this.steps.decide(entry, endedBy(entry.command, status, why)));
  }

  private report(work: Promise<void>): void {
    inBackground(work, this.parts.logger, 'A command was not saved.');
  }
}
