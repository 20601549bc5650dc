/**
 * Makes commands out of requests: once for each id, within the limits, durable before anybody hears of them. Owns the
 * numbering and what is being made right now.
 *
 * Whether a command may be asked for: everything that can be wrong with a request, in one place. Pure.
 *
 * Whether there is room for one more command: in the customer's share, in the share of the key that asks, and in all.
 * So nobody's full queue stops somebody else. Pure.
 */

import { COMMAND_ID } from '../../../schemas/api/commands.ts';
import type { Config } from '../../../schemas/config.ts';
import { METRIC_NAME } from '../../../schemas/frames.ts';
import type { Clock } from '../../base/clock.ts';
import { encode } from '../../wire/cbor.ts';
import { encodeCommand } from '../../wire/encode.ts';
import type { Value } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';
import { HubRefusal } from '../refusal.ts';
import { checkProfile, checkReceivable, checkSize, isName } from '../sendable.ts';
import type { Command, CommandRequest, IssuedCommand } from './command.ts';
import type { Delivery } from './delivery.ts';
import { endedBy, isWaiting } from './life.ts';
import { type Entry, type Journal, newEntry, type OpenCommands, type Steps } from './open-commands.ts';

export type CommandLimits = Config['commands'];

const ID = new RegExp(COMMAND_ID);
/** The array around the arguments. */
const AROUND = 1;

/** Throws HubRefusal; returns the ttl in ms. */
export function checkRequest(
  { name, id, args, ttl }: Pick<CommandRequest, 'name' | 'id' | 'args' | 'ttl'>,
  limits: CommandLimits,
): number {
  if (id !== null && !ID.test(id)) throw new HubRefusal('bad-request', `The id must match ${COMMAND_ID}.`);
  if (!isName(name)) throw new HubRefusal('bad-request', `A command's name matches ${METRIC_NAME} (P-1.4).`);
  checkArguments(args, limits.argsBytes);
  const milliseconds = ttl ?? limits.defaultTtlSeconds * 1000;
  const longest = limits.maxTtlSeconds * 1000;
  if (milliseconds >= 0 && milliseconds <= longest) return milliseconds;
  throw new HubRefusal(
    'bad-request',
    `ttl must be 0 to ${limits.maxTtlSeconds} s, the limit commands.maxTtlSeconds.`,
    'commands.maxTtlSeconds',
  );
}

function checkArguments(args: Value, bytes: number): void {
  // Inside the frame they are one level deeper.
  const item = encode([args]);
  const setting = 'commands.argsBytes';
  checkSize(item.length - AROUND, args, 'The arguments take', { bytes, setting, code: 'args-too-large' });
  checkProfile(item, 'The arguments');
}

/** The same id was asked for before: whether it is the same command. */
export function asksForSame(command: Command, request: CommandRequest): boolean {
  const { device, name, args } = request;
  const isSameArgs = Buffer.compare(encode(command.args), encode(args)) === 0;
  return command.device === device && command.name === name && isSameArgs;
}

/** Commands that are not final. */
export interface Usage {
  readonly all: number;
  readonly ofCustomer: number;
  /** Of this customer's, those that the key asked for. */
  readonly ofKey: number;
}

/** Seconds after which it is worth another try: commands end by the second. */
const RETRY_AFTER = 10;

/** `asker`: an admin has a place even where the customer's own keys have taken all. Throws HubRefusal that names the limit. */
export function checkShares(usage: Usage, limits: CommandLimits, asker: 'admin' | 'other'): void {
  const { waiting, waitingPerCustomer, waitingPerKey, waitingGuaranteed } = limits;
  if (asker === 'admin' && usage.ofKey < waitingGuaranteed) return;
  if (usage.ofKey >= waitingPerKey) throw tooMany('of this key', 'commands.waitingPerKey', waitingPerKey);
  if (usage.ofCustomer >= waitingPerCustomer) {
    throw tooMany('of this customer', 'commands.waitingPerCustomer', waitingPerCustomer);
  }
  if (usage.all >= waiting && usage.ofCustomer >= waitingGuaranteed) {
    throw tooMany('in all', 'commands.waiting', waiting);
  }
}

/** `whose`: `of this device`. */
export function tooMany(whose: string, limit: string, value: number): HubRefusal {
  const detail = `The limit ${limit} of ${value} commands ${whose} that are not final is reached; cancel some, or wait.`;
  return new HubRefusal('too-many-commands', detail, { limit, retryAfter: RETRY_AFTER });
}

/** Whether a place will be free by itself, as others' commands end: no limit of the device's own. */
export function isShare({ code, limit }: HubRefusal): boolean {
  return code === 'too-many-commands' && limit !== 'commands.waitingPerDevice';
}

export interface CreationParts {
  readonly open: OpenCommands;
  readonly steps: Steps;
  readonly journal: Journal;
  readonly delivery: Delivery;
  readonly limits: CommandLimits;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly findDevice: (customer: string, device: string) => Device | null;
  /** Of a command that may have ended. */
  readonly findCommand: (customer: string, id: string) => Promise<Command | null>;
  /** The command is durable and open: from now on it may expire, and is to be delivered. */
  readonly opened: (entry: Entry, device: Device) => void;
}

const OFFLINE = 'The device is not connected, and a ttl of 0 means now or never.';
const MADE_ROOM = 'It made room for a newer command, as the sender of that one asked.';

export class Creation {
  /** The last number given out. */
  number = 0;
  private readonly parts: CreationParts;
  /** By `customer/id`. */
  private readonly making = new Map<string, Promise<IssuedCommand>>();

  constructor(parts: CreationParts) {
    this.parts = parts;
  }

  async issue(request: CommandRequest): Promise<IssuedCommand> {
    const ttl = checkRequest(request, this.parts.limits);
    if (request.id === null) return this.create(request, this.parts.newId(), ttl);
    const name = `${request.customer}/${request.id}`;
    const before = this.making.get(name);
    if (before) return again((await before).command, request);
    const work = this.findOrCreate(request, request.id, ttl).finally(() => this.making.delete(name));
    this.making.set(name, work);
    return work;
  }

  private async findOrCreate(request: CommandRequest, id: string, ttl: number): Promise<IssuedCommand> {
    const known = await this.parts.findCommand(request.customer, id);
    return known ? again(known, request) : this.create(request, id, ttl);
  }

  private async create(request: CommandRequest, id: string, ttl: number): Promise<IssuedCommand> {
    const { journal, findDevice } = this.parts;
    const device = findDevice(request.customer, request.device);
    if (!device)
      throw new HubRefusal(
        'not-found',
        'There is no device of this name; create a key for it, or name it with PUT.',
      );
    checkReceivable(device, encodeCommand(id, request.name, request.args, ttl), 'The command');
    const older = this.superseded(request);
    const oldest = this.makeRoom(request, older);
    const aside = [...this.setAside(older, id, request.by), ...this.giveUp(oldest)];
    const entry = this.add(this.newCommand(request, id, ttl), device);
    await Promise.all([journal.save(entry), ...aside]);
    this.stored(entry, device);
    return { command: entry.command, created: true };
  }

  private newCommand(
    { ttl: _, whenFull: __, asker: ___, ...request }: CommandRequest,
    id: string,
    ttl: number,
  ): Command {
    const { clock, limits } = this.parts;
    const createdAt = clock.now();
    this.number += 1;
    return {
      reply: null,
      ...request,
      id,
      ttl,
      number: this.number,
      status: 'queued',
      createdAt,
      expiresAt: createdAt + (ttl === 0 ? limits.defaultTtlSeconds * 1000 : ttl),
      attempts: 0,
      timeline: [{ status: 'queued', at: createdAt, by: request.by }],
      endedAt: null,
    };
  }

  /** Counts its first attempt along, if it can be written as soon as it is durable. */
  private add(command: Command, device: Device): Entry {
    const { open, delivery } = this.parts;
    const entry = newEntry(command, 'storing');
    const { member } = device;
    const isNext = delivery.hasRoom(device);
    open.add(entry);
    if (command.ttl === 0 && !member) {
      entry.command = endedBy(command, 'failed', { at: command.createdAt, reason: OFFLINE });
    } else if (member && isNext) delivery.reserve(entry, device, member);
    return entry;
  }

  private stored(entry: Entry, device: Device): void {
    const { open, steps } = this.parts;
    // Cancelled in the same moment: told already.
    if (entry.state === 'ended') return;
    const isOver = entry.command.endedAt !== null;
    entry.state = isOver ? 'ended' : 'open';
    if (isOver) open.remove(entry);
    steps.tell(entry.command);
    if (!isOver) this.parts.opened(entry, device);
  }

  /** Those that a newer one of the same word takes the place of. */
  private superseded({ customer, device, supersede }: CommandRequest): readonly Entry[] {
    if (supersede === null) return [];
    return this.parts.open
      .of(customer, device)
      .filter(({ command }) => command.supersede === supersede && isWaiting(command));
  }

  /** The one that must go for it; null: there is room. `going`: those that go anyway. Throws HubRefusal. */
  private makeRoom(request: CommandRequest, going: readonly Entry[]): Entry | null {
    const { open, limits } = this.parts;
    const { customer, by, asker = 'other' } = request;
    const oldest = this.oldestToGo(request, going.length);
    const gone = oldest === null ? going : [...going, oldest];
    const usage = {
      all: open.size - gone.length,
      ofCustomer: open.countOfCustomer(customer) - gone.length,
      ofKey: open.countOfKey(customer, by) - gone.filter(({ command }) => command.by === by).length,
    };
    checkShares(usage, limits, asker);
    return oldest;
  }

  private oldestToGo({ customer, device, whenFull }: CommandRequest, going: number): Entry | null {
    const { open, limits } = this.parts;
    if (open.count(customer, device) - going < limits.waitingPerDevice) return null;
    const oldest = open.of(customer, device).find((one) => one.state === 'open' && isWaiting(one.command));
    if (whenFull === 'expire-oldest' && oldest) return oldest;
    throw tooMany('of this device', 'commands.waitingPerDevice', limits.waitingPerDevice);
  }

  private setAside(older: readonly Entry[], id: string, by: string): Promise<void>[] {
    const { steps, clock } = this.parts;
    const why = { at: clock.now(), reason: `The newer command ${id} took its place.`, by };
    return older.map((entry) => steps.decide(entry, endedBy(entry.command, 'cancelled', why)));
  }

  private giveUp(oldest: Entry | null): Promise<void>[] {
    if (!oldest) return [];
    const why = { at: this.parts.clock.now(), reason: MADE_ROOM };
    return [this.parts.steps.decide(oldest, endedBy(oldest.command, 'expired', why))];
  }
}

function again(command: Command, request: CommandRequest): IssuedCommand {
  if (asksForSame(command, request)) return { command, created: false };
  throw new HubRefusal('conflict', `The id ${command.id} names another command; take a new id.`);
}
