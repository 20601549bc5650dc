/** Stand-ins for commands, jobs, desired state and audit: in memory, without delivery; they keep what they were asked. */
import type { Clock } from '../../broker/base/clock.ts';
import type { AuditDesk, AuditEntry, AuditQuery, NumberedAuditRow } from '../../broker/hub/audit/audit.ts';
import {
  type Command,
  type CommandRequest,
  type CommandStatus,
  type IssuedCommand,
  isFinal,
} from '../../broker/hub/commands/command.ts';
import { HubRefusal } from '../../broker/hub/refusal.ts';
import type { CommandQuery } from '../../broker/store/command-ports.ts';
import type { RowPage } from '../../broker/store/subject.ts';

/** The newest `limit` of what is older than `before`, and where the next page begins. */
export function newestFirst<Item extends { readonly number: number }>(
  items: readonly Item[],
  { before, limit }: { readonly before: number | null; readonly limit: number },
): { readonly items: readonly Item[]; readonly next: number | null } {
  const rest = items.filter(({ number }) => before === null || number < before).reverse();
  const page = rest.slice(0, limit);
  return { items: page, next: rest.length > limit ? (page.at(-1)?.number ?? null) : null };
}

export class FakeCommands {
  readonly all: Command[] = [];
  readonly requests: CommandRequest[] = [];
  /** What the next request is refused with. */
  refusal: HubRefusal | null = null;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async issue(request: CommandRequest): Promise<IssuedCommand> {
    if (this.refusal) throw this.refusal;
    this.requests.push(request);
    const [known] = request.id === null ? [] : await this.find(request.customer, request.id);
    if (known && known.device !== request.device) {
      throw new HubRefusal('conflict', `The id ${request.id} names a command for another device.`);
    }
    if (known) return { command: known, created: false };
    const command = this.make(request);
    this.all.push(command);
    return { command, created: true };
  }

  async cancel(customer: string, id: string, by: string): Promise<Command | null> {
    const [command] = await this.find(customer, id);
    if (!command) return null;
    if (isFinal(command.status)) throw new HubRefusal('conflict', `It is ${command.status} already.`);
    return this.step(command, 'cancelled', { by });
  }

  async cancelWaiting(customer: string, device: string, by: string): Promise<number> {
    const waiting = this.all.filter(
      (command) => command.customer === customer && command.device === device && command.status === 'queued',
    );
    for (const command of waiting) this.step(command, 'cancelled', { by });
    return waiting.length;
  }

  async find(customer: string, id: string): Promise<readonly Command[]> {
    return this.all.filter(
      (command) => command.id === id && (customer === '*' || command.customer === customer),
    );
  }

  async list({ customer, device, ...page }: CommandQuery): Promise<RowPage<Command, number>> {
    const of = this.all.filter(
      (command) =>
        (customer === '*' || command.customer === customer) && (device === null || command.device === device),
    );
    return newestFirst(of, page);
  }

  waitingFor({ status }: Command): string | null {
    return status === 'queued' ? 'the device, which is offline' : null;
  }

  onStep(): () => void {
    return () => undefined;
  }

  /** Puts the next step in the command's place. */
  step(command: Command, status: CommandStatus, more: Partial<Command['timeline'][number]> = {}): Command {
    const at = this.clock.now();
    const timeline = [...command.timeline, { status, at, ...more }];
    const next = { ...command, status, timeline, endedAt: isFinal(status) ? at : null };
    this.all[this.all.findIndex(({ number }) => number === command.number)] = next;
    return next;
  }

  private make({ id, ttl, whenFull: _, ...request }: CommandRequest): Command {
    const at = this.clock.now();
    const number = this.all.length + 1;
    const reason = 'The device is offline, and the command was for now or never.';
    const queued = { status: 'queued', at, by: request.by } as const;
    const failed = { status: 'failed', at, reason } as const;
    return {
      reply: null,
      ...request,
      id: id ?? `c${number}`,
      number,
      status: ttl === 0 ? 'failed' : 'queued',
      createdAt: at,
      ttl: ttl ?? 60_000,
      expiresAt: at + (ttl ?? 60_000),
      endedAt: ttl === 0 ? at : null,
      attempts: 0,
      timeline: ttl === 0 ? [queued, failed] : [queued],
    };
  }
}

export class FakeAudit implements AuditDesk {
  readonly entries: NumberedAuditRow[] = [];
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add({ detail, reference = undefined, ...entry }: AuditEntry): void {
    const at = this.clock.now();
    const outcomeAt = entry.outcome === null ? null : at;
    this.entries.push({
      ...entry,
      at,
      outcomeAt,
      number: this.entries.length + 1,
      detail: detail ? JSON.stringify(detail) : null,
      reference: reference ?? null,
    });
  }

  settle(reference: string, outcome: string): void {
    const at = this.entries.findIndex((entry) => entry.reference === reference);
    const entry = this.entries[at];
    if (entry) this.entries[at] = { ...entry, outcome, outcomeAt: this.clock.now() };
  }

  async list(query: AuditQuery): Promise<{ items: readonly NumberedAuditRow[]; next: number | null }> {
    return newestFirst(
      this.entries.filter((entry) => fits(entry, query)),
      query,
    );
  }
}

function fits(entry: NumberedAuditRow, { customer, by, action, target, from, to }: AuditQuery): boolean {
  const ofAction = action?.endsWith('.') ? entry.action.startsWith(action) : entry.action === action;
  return (
    (customer === '*' || entry.customer === customer) &&
    (by === null || entry.by === by) &&
    (action === null || ofAction) &&
    (target === null || entry.target === target) &&
    (from === null || entry.at >= from) &&
    (to === null || entry.at < to)
  );
}
