/**
 * Makes commands out of requests: once for each id, within the limits, durable before anybody hears of them. Decides what is
 * wrong with a request, and whether there is room for one more: on the device, in the customer's share, in the share of the
 * key that asks, and in all, so nobody's full queue stops somebody else. Owns the numbering and what is being made right now.
 */

import { COMMAND_ID } from '../../../schemas/api/commands.ts';
import type { Config } from '../../../schemas/config.ts';
import { METRIC_NAME } from '../../../schemas/frames.ts';
import type { Clock } from '../../base/clock.ts';
import type { CommandStore } from '../../store/command-ports.ts';
import { encode } from '../../wire/cbor.ts';
import { encodeCommand } from '../../wire/encode.ts';
import type { Value } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { HubRefusal } from '../refusal.ts';
import { checkProfile, checkReceivable, checkSize, isName } from '../sendable.ts';
import { type Command, type CommandRequest, type IssuedCommand, readCommand } from './command.ts';
import type { Delivery } from './delivery.ts';
import { endedBy, isWaiting } from './life.ts';
import type { OpenCommand, OpenCommands } from './open-commands.ts';

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
function asksForSame(command: Command, request: CommandRequest): boolean {
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
function checkShares(usage: Usage, limits: CommandLimits, asker: 'admin' | 'other'): void {
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
  readonly delivery: Delivery;
  readonly store: Pick<CommandStore, 'lastCommandNumber' | 'findCommands' | 'unlessHeldUp'>;
  readonly fleet: Pick<Fleet, 'find'>;
  readonly limits: CommandLimits;
  readonly clock: Clock;
  readonly newId: () => string;
}

const UNKNOWN = 'There is no device of this name; create a key for it, or name it with PUT.';
const OFFLINE = 'The device is not connected, and a ttl of 0 means now or never.';
const MADE_ROOM = 'It made room for a newer command, as the sender of that one asked.';

/** What a new command takes the place of. */
interface Replaced {
  /** Those of the same word. */
  readonly older: readonly OpenCommand[];
  /** The one that makes room for it; null: there is room. */
  readonly oldest: OpenCommand | null;
}

export class Creation {
  private readonly parts: CreationParts;
  /** The last number given out. */
  private number = 0;
  /** By `customer/id`. */
  private readonly making = new Map<string, Promise<IssuedCommand>>();

  constructor(parts: CreationParts) {
    this.parts = parts;
  }

  async load(): Promise<void> {
    this.number = await this.parts.store.lastCommandNumber();
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
    const known = await this.find(request.customer, id);
    return known ? again(known, request) : this.create(request, id, ttl);
  }

  /** Every command has a row from its creation on: where there is none, nobody must wait for what is being saved. */
  private async find(customer: string, id: string): Promise<Command | null> {
    const { store, open } = this.parts;
    if ((await store.findCommands(customer, id)).length === 0) return null;
    await store.unlessHeldUp(open.flush());
    const [row] = await store.findCommands(customer, id);
    return row ? readCommand(row) : null;
  }

  /** In this order: checked, room made, added, durable, notified, delivered. */
  private async create(request: CommandRequest, id: string, ttl: number): Promise<IssuedCommand> {
    const { open, delivery, fleet } = this.parts;
    const device = fleet.find(request.customer, request.device);
    if (!device) throw new HubRefusal('not-found', UNKNOWN);
    checkReceivable(device, encodeCommand(id, request.name, request.args, ttl), 'The command');
    const ending = this.endReplaced(this.replacedBy(request), id, request.by);
    const entry = this.add(this.newCommand(request, id, ttl), device);
    await Promise.all([open.save(entry), ...ending]);
    open.open(entry);
    if (entry.state === 'open') delivery.opened(entry, device);
    // Whoever has ended it meanwhile: it is answered as ended when that is durable, too.
    if (entry.state === 'ended') await open.flush();
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
  private add(command: Command, device: Device): OpenCommand {
    const { open, delivery } = this.parts;
    const { member } = device;
    if (command.ttl === 0 && !member) {
      return open.add(endedBy(command, 'failed', { at: command.createdAt, reason: OFFLINE }));
    }
    const isNext = delivery.hasRoom(device);
    const entry = open.add(command);
    if (member && isNext) delivery.reserve(entry, device, member);
    return entry;
  }

  /** Throws HubRefusal where there is no room, however much of it is given up. */
  private replacedBy(request: CommandRequest): Replaced {
    const { open, limits } = this.parts;
    const { customer, device, by, supersede, asker = 'other' } = request;
    const isOlder = ({ command }: OpenCommand) => command.supersede === supersede && isWaiting(command);
    const older = supersede === null ? [] : open.of(customer, device).filter(isOlder);
    const oldest = this.oldestToGo(request, older.length);
    const gone = oldest === null ? older : [...older, oldest];
    const usage = {
      all: open.size - gone.length,
      ofCustomer: open.countOfCustomer(customer) - gone.length,
      ofKey: open.countOfKey(customer, by) - gone.filter(({ command }) => command.by === by).length,
    };
    checkShares(usage, limits, asker);
    return { older, oldest };
  }

  /** `going`: how many go anyway. */
  private oldestToGo({ customer, device, whenFull }: CommandRequest, going: number): OpenCommand | null {
    const { open, limits } = this.parts;
    if (open.count(customer, device) - going < limits.waitingPerDevice) return null;
    const oldest = open.of(customer, device).find((one) => one.state === 'open' && isWaiting(one.command));
    if (whenFull === 'expire-oldest' && oldest) return oldest;
    throw tooMany('of this device', 'commands.waitingPerDevice', limits.waitingPerDevice);
  }

  private endReplaced({ older, oldest }: Replaced, id: string, by: string): Promise<void>[] {
    const { open } = this.parts;
    const reason = `The newer command ${id} took its place.`;
    const cancelled = older.map((entry) => open.end(entry, 'cancelled', { reason, by }));
    return oldest ? [...cancelled, open.end(oldest, 'expired', { reason: MADE_ROOM })] : cancelled;
  }
}

function again(command: Command, request: CommandRequest): IssuedCommand {
  if (asksForSame(command, request)) return { command, created: false };
  throw new HubRefusal('conflict', `The id ${command.id} names another command; take a new id.`);
}
