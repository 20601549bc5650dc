/**
 * Commands to devices (P-5): asks for them, takes them back, says where they stand, and accepts what devices say of them.
 * Ties its parts together: `creation.ts` makes commands, `delivery.ts` writes them to devices, `open-commands.ts` owns and
 * changes them. Owns the queue of results of commands that have ended, of which a device that floods has a bounded share.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { SerialQueue } from '../../base/serial-queue.ts';
import type { CommandQuery, CommandStore } from '../../store/command-ports.ts';
import type { Position } from '../../store/position.ts';
import type { RowPage } from '../../store/subject.ts';
import type { ResultFrame } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { HubRefusal } from '../refusal.ts';
import type { Ingest } from '../telemetry/ingest.ts';
import {
  type Command,
  type CommandListener,
  type CommandRequest,
  type IssuedCommand,
  isFinal,
  readCommand,
} from './command.ts';
import { type CommandLimits, Creation } from './creation.ts';
import { Delivery } from './delivery.ts';
import { isWaiting, waitingFor } from './life.ts';
import { OpenCommands } from './open-commands.ts';

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
  readonly position: Position;
}

const FORGOTTEN = 'The device was forgotten.';

export class CommandService {
  private readonly parts: CommandServiceParts;
  private readonly open: OpenCommands;
  private readonly delivery: Delivery;
  private readonly creation: Creation;
  private readonly late: LateResults;
  private undo: () => void = () => {};

  constructor(parts: CommandServiceParts) {
    this.parts = parts;
    const open = new OpenCommands(parts);
    const delivery = new Delivery({ ...parts, open });
    this.open = open;
    this.delivery = delivery;
    this.creation = new Creation({ ...parts, open, delivery });
    this.late = new LateResults(open, parts.logger);
  }

  /** How many are not final. */
  get waiting(): number {
    return this.open.size;
  }

  /** What is not final comes back from the store; before the log is replayed. */
  async load(): Promise<void> {
    await this.creation.load();
    await this.open.load();
  }

  /** After the replay: timers are as they were, and what ran out meanwhile ends. */
  async start(): Promise<void> {
    await this.late.settled();
    const { open } = this;
    open.start();
    this.delivery.start();
    this.undo = this.parts.fleet.onForget((customer, device) => {
      for (const entry of open.of(customer, device)) open.endSoon(entry, 'cancelled', FORGOTTEN);
    });
  }

  /** Saves what is not saved. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.save();
  }

  /** Stops without saving; after a failure of the store. */
  abandon(): void {
    this.undo();
    this.delivery.stop();
    this.open.stop();
  }

  /** Resolves when everything so far is durable; the checkpoint asks for it. */
  async save(): Promise<void> {
    await this.late.settled();
    await this.open.flush();
  }

  /** Called with the command after each of its steps. Returns the function that takes the listener away. */
  onStep(listener: CommandListener): () => void {
    return this.open.onStep(listener);
  }

  /**
   * Resolves when the command is durable; a device that is connected has it a moment later. Rejects with
   * `HubRefusal`: `not-found` (no such device), `bad-request`, `conflict` (the id names another command),
   * `args-too-large`, `too-large-for-device`, `too-many-commands`.
   */
  issue(request: CommandRequest): Promise<IssuedCommand> {
    return this.creation.issue(request);
  }

  /** null: no such command. Rejects with `HubRefusal` `conflict` if it is final. Durable when it resolves. */
  async cancel(customer: string, id: string, by: string): Promise<Command | null> {
    const entry = this.open.find(customer, id);
    if (entry && !isFinal(entry.command.status)) {
      await this.open.end(entry, 'cancelled', { reason: 'It was cancelled.', by });
      return entry.command;
    }
    const [command] = await this.find(customer, id);
    if (!command) return null;
    throw new HubRefusal('conflict', `The command is ${command.status}; there is nothing to cancel.`);
  }

  /** Cancels what the device has not accepted yet; returns how many. */
  async cancelWaiting(customer: string, device: string, by: string): Promise<number> {
    const waiting = this.open.of(customer, device).filter(({ command }) => isWaiting(command));
    const why = { reason: 'Everything that waited was cancelled.', by };
    await Promise.all(waiting.map((entry) => this.open.end(entry, 'cancelled', why)));
    // What somebody else is ending right now waits no more, and must not after a kill either.
    await this.open.flush();
    return waiting.length;
  }

  /** At most one for a customer; for `*` every customer's command of that id. */
  async find(customer: string, id: string): Promise<readonly Command[]> {
    const { store } = this.parts;
    await store.unlessHeldUp(this.open.flush());
    return (await store.findCommands(customer, id)).map(readCommand);
  }

  /** Newest first; `next` is the `before` of the next page. */
  async list(query: CommandQuery): Promise<RowPage<Command, number>> {
    const { store } = this.parts;
    await store.unlessHeldUp(this.open.flush());
    const { items, next } = await store.listCommands(query);
    return { items: items.map(readCommand), next };
  }

  /** What it waits for, in a sentence; null: it does not wait. */
  waitingFor(command: Command): string | null {
    return waitingFor(command, this.parts.fleet.find(command.customer, command.device));
  }

  /** Whether the device has, or had, a command of this id. Asks the store for those that have ended. */
  knows({ customer, id: device }: Device, id: string): boolean | Promise<boolean> {
    if (this.open.find(customer, id)?.command.device === device) return true;
    return this.parts.store.findCommands(customer, id).then(([row]) => row?.device === device);
  }

  /** The device can be written to (P-3.3). Resolves when what waits for it is handed over. */
  ready(device: Device): Promise<void> {
    return this.delivery.deliver(device);
  }

  /** A result of the log: just committed, or replayed at a start. */
  result(committed: CommittedResult): void {
    const { customer, device, frame, session, arrival, position } = committed;
    const entry = this.open.find(customer, frame.id);
    if (entry?.command.device !== device) this.late.add(committed);
    else this.open.answer(entry, { frame, session, at: arrival }, position);
  }
}

/** Results of a device that wait to be looked up; more of them are dropped. */
const MOST_WAITING = 256;

/** Results of commands that have ended: looked up in the store and kept as late, one after the other. */
class LateResults {
  private readonly open: Pick<OpenCommands, 'answerLate'>;
  private readonly logger: Logger;
  private readonly queue = new SerialQueue();
  /** How many wait, by `customer/device`. */
  private readonly waiting = new Map<string, number>();

  constructor(open: Pick<OpenCommands, 'answerLate'>, logger: Logger) {
    this.open = open;
    this.logger = logger;
  }

  add({ customer, device, frame, session, arrival, position }: CommittedResult): void {
    const { open, logger } = this;
    const { id } = frame;
    const name = `${customer}/${device}`;
    const waiting = this.waiting.get(name) ?? 0;
    if (waiting === MOST_WAITING) {
      logger.debug(
        { device: name, command: id },
        'Too many results of commands that are over; one was dropped.',
      );
      return;
    }
    this.waiting.set(name, waiting + 1);
    const keep = () => open.answerLate({ customer, device, id }, { frame, session, at: arrival }, position);
    inBackground(
      this.queue.run(() => keep().finally(() => this.done(name))),
      logger,
      'A late result was not kept.',
    );
  }

  /** Resolves when everything added so far is to be saved. */
  settled(): Promise<void> {
    return this.queue.run(async () => {});
  }

  private done(name: string): void {
    const left = (this.waiting.get(name) ?? 1) - 1;
    if (left === 0) this.waiting.delete(name);
    else this.waiting.set(name, left);
  }
}
