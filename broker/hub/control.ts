/**
 * What people ask of devices: commands, jobs, desired state, and the audit of who asked. Owns the order among them: what a
 * device gets first when it says hello, and how the audit learns what became of a command. Opens after the store and before
 * the log is replayed, because the log holds what devices answered.
 */
import type { Config } from '../../schemas/config.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Database } from '../store/ports.ts';
import { FRAME } from '../wire/frames.ts';
import { Audit, WHOLE_AUDIT } from './audit/audit.ts';
import { RecordRetention } from './audit/retention.ts';
import type { Command } from './commands/command.ts';
import { CommandService } from './commands/commands.ts';
import { type Counters, count } from './counters.ts';
import { DesiredStates } from './desired/desired-states.ts';
import type { Device, Member } from './fleet/device.ts';
import type { Fleet } from './fleet/fleet.ts';
import { JobService } from './jobs/jobs.ts';
import type { CommittedControl, Ingest } from './telemetry/ingest.ts';

export interface DeviceControlParts {
  readonly store: Database;
  readonly fleet: Fleet;
  readonly ingest: Pick<Ingest, 'position' | 'flushed' | 'onControl'>;
  readonly counters: Counters;
  readonly limits: Config['commands'];
  readonly clock: Clock;
  readonly logger: Logger;
  /** A new id, of a command or a job. */
  readonly newId: () => string;
}

export class DeviceControl {
  readonly audit: Audit;
  readonly commands: CommandService;
  readonly desired: DesiredStates;
  readonly jobs: JobService;
  private readonly retention: RecordRetention;
  private readonly parts: DeviceControlParts;

  constructor(parts: DeviceControlParts) {
    this.parts = parts;
    const { store, fleet, ingest, limits, clock, logger, newId } = parts;
    this.audit = new Audit({ store, clock, logger });
    this.retention = new RecordRetention({ store, clock, logger, limits });
    this.desired = new DesiredStates({ store, ingest, clock, limits });
    this.commands = new CommandService({ store, fleet, ingest, limits, clock, logger, newId });
    const { commands } = this;
    this.jobs = new JobService({ store, commands, fleet, limits, clock, logger, newId });
  }

  /** What the store holds; before the log is replayed, which may bring the ends that the audit waits for. */
  async load(): Promise<void> {
    this.commands.onStep((command) => this.stepped(command));
    await this.commands.load();
    await this.desired.load();
    this.parts.ingest.onControl((control) => this.apply(control));
  }

  /** After the replay, before the first device. */
  async start(): Promise<void> {
    this.jobs.onChange(({ id, status, endedAt }) => {
      if (endedAt !== null) this.audit.settle(`job ${id}`, status);
    });
    await this.commands.start();
    await this.jobs.start();
    await settleAgain(this);
    this.retention.start();
  }

  /** A frame of the log: just committed, or replayed. */
  apply({ device, frame, ...control }: CommittedControl): void {
    const about = { ...control, customer: device.customer, device: device.id };
    if (frame.kind === FRAME.result) this.commands.result({ ...about, frame });
    else this.desired.reported({ ...about, frame });
  }

  /** P-3.3: first the commands that wait, then desired state. */
  ready(device: Device, member: Member): void {
    this.commands.ready(device).then(
      () => this.desired.greeted(device, member),
      // The store reports its failure itself, and the process ends (Stores.onFailure).
      (error: unknown) => this.parts.logger.error({ err: error }, 'Commands that waited were not written.'),
    );
  }

  /** Of a device that was forgotten; its commands hear of that from the fleet. Resolves when it is durable. */
  async forget(customer: string, device: string): Promise<void> {
    await this.desired.forget(customer, device);
    await this.commands.save();
  }

  /** Saves everything that the log has said so far. */
  async save(): Promise<void> {
    await this.commands.save();
    await this.desired.save();
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.retention.stop();
    await this.jobs.stop();
    await this.commands.stop();
    await this.desired.save();
    await this.audit.stop();
  }

  /** Stops without saving; after a failure of the store. */
  abandon(): void {
    this.retention.abandon();
    this.jobs.abandon();
    this.commands.abandon();
    this.audit.abandon();
  }

  /** The audit knows a command that somebody sent; those of a job are the job's. */
  private stepped({ customer, id, job, status, timeline, endedAt }: Command): void {
    const last = timeline.at(-1);
    if (!last || last.late) return;
    count(this.parts.counters.commandSteps, last.status);
    if (endedAt !== null && job === null) this.audit.settle(`command ${customer}/${id}`, status);
  }
}

interface RepairParts {
  readonly audit: Pick<Audit, 'list' | 'settle'>;
  readonly commands: Pick<CommandService, 'find'>;
  readonly jobs: Pick<JobService, 'find'>;
}

/** Entries looked at; an end that is older than so many is not looked for. */
const NEWEST = 500;

/**
 * Outcomes that a kill took from the audit: a command or a job is saved with its end, the audit hears of it a moment later.
 * Resolves when every outcome that is known has been passed on.
 */
async function settleAgain(parts: RepairParts): Promise<void> {
  const { items } = await parts.audit.list({ ...WHOLE_AUDIT, limit: NEWEST });
  const open = items.flatMap(({ outcome, reference }) => (outcome === null && reference ? [reference] : []));
  await Promise.all(open.map((reference) => settleOne(parts, reference)));
}

async function settleOne(parts: RepairParts, reference: string): Promise<void> {
  const ended = await find(parts, reference);
  if (ended && ended.endedAt !== null) parts.audit.settle(reference, ended.status);
}

/** `reference`: `command acme/<id>` or `job <id>` (store/command-ports.ts). */
async function find({ commands, jobs }: RepairParts, reference: string) {
  const [, kind, customer = '*', id = ''] = /^(command|job) (?:([^/]+)\/)?([^/]+)$/.exec(reference) ?? [];
  if (kind === 'job') return jobs.find('*', id);
  const [command] = kind === 'command' ? await commands.find(customer, id) : [];
  return command ?? null;
}
