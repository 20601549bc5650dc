/**
 * What people ask of devices, put together: commands, jobs, desired state, and the audit of who asked. Opens after the
 * store and before the log is replayed, for the log holds what devices answered.
 */
import type { Config } from '../schemas/config.ts';
import type { Logger } from './base/logger.ts';
import type { Environment } from './environment.ts';
import { Audit } from './hub/audit/audit.ts';
import { Purge } from './hub/audit/purge.ts';
import { settleAgain } from './hub/audit/repair.ts';
import type { Command } from './hub/commands/command.ts';
import { Commands } from './hub/commands/commands.ts';
import { type Counters, count } from './hub/counters.ts';
import { DesiredStates } from './hub/desired/desired-states.ts';
import type { Device, Member } from './hub/fleet/device.ts';
import type { Fleet } from './hub/fleet/fleet.ts';
import { Jobs } from './hub/jobs/jobs.ts';
import type { CommittedControl, Ingest } from './hub/telemetry/ingest.ts';
import type { Database } from './store/ports.ts';
import { FRAME } from './wire/frames.ts';

export interface OrdersParts {
  readonly store: Database;
  readonly fleet: Fleet;
  readonly ingest: Ingest;
  readonly counters: Counters;
  readonly config: Config;
  readonly environment: Environment;
  readonly logger: Logger;
}

export class Orders {
  readonly audit: Audit;
  readonly commands: Commands;
  readonly desired: DesiredStates;
  readonly jobs: Jobs;
  private readonly purge: Purge;
  private readonly parts: OrdersParts;

  constructor(parts: OrdersParts) {
    this.parts = parts;
    const { store, fleet, ingest, config, environment, logger } = parts;
    const { clock, commandId } = environment;
    const limits = config.commands;
    this.audit = new Audit({ store, clock, logger });
    this.purge = new Purge({ store, clock, logger, limits });
    this.desired = new DesiredStates({ store, ingest, clock, limits });
    this.commands = new Commands({ store, fleet, ingest, limits, clock, logger, newId: commandId });
    const { commands } = this;
    this.jobs = new Jobs({ store, commands, fleet, limits, clock, logger, newId: commandId });
  }

  /** What the store holds; before the log is replayed, which may bring the ends that the audit waits for. */
  async load(): Promise<void> {
    this.commands.onStep((command) => this.stepped(command));
    await this.commands.load();
    await this.desired.load();
    this.parts.ingest.onControl((control) => this.take(control));
  }

  /** After the replay, before the first device. */
  async start(): Promise<void> {
    this.jobs.onChange(({ id, status, endedAt }) => {
      if (endedAt !== null) this.audit.settle(`job ${id}`, status);
    });
    await this.commands.start();
    await this.jobs.start();
    await settleAgain(this);
    this.purge.start();
  }

  /** A frame of the log: just committed, or replayed. */
  take({ device, frame, ...control }: CommittedControl): void {
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
    await this.purge.stop();
    await this.jobs.stop();
    await this.commands.stop();
    await this.desired.save();
    await this.audit.stop();
  }

  /** Stops without saving; after a failure of the store. */
  abandon(): void {
    this.purge.abandon();
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
