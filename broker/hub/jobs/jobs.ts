/**
 * Commands to groups of devices: who is selected now, and the jobs that bring the command to them. Owns the jobs that are not
 * over, and saves how far they have come.
 */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { WriteBehind } from '../../base/write-behind.ts';
import type { JobStore } from '../../store/command-ports.ts';
import type { RowPage } from '../../store/subject.ts';
import type { CommandService } from '../commands/commands.ts';
import { type CommandLimits, checkRequest } from '../commands/creation.ts';
import type { Device } from '../fleet/device.ts';
import { HubRefusal } from '../refusal.ts';
import type { DeviceSelection, Job, JobOutcome, JobRequest } from './job.ts';
import { outcomeOf } from './progress.ts';
import { jobOf, readJob, type StoredJob, writeJob } from './record.ts';
import { JobRunner } from './runner.ts';

/** What is asked of the fleet. */
interface SelectableFleet {
  find(customer: string, device: string): Device | null;
  devices(customer: string): Iterable<Device>;
}

export interface JobServiceParts {
  readonly store: JobStore;
  readonly commands: Pick<CommandService, 'issue' | 'cancel' | 'find' | 'list' | 'onStep'>;
  readonly fleet: SelectableFleet;
  readonly limits: CommandLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
}

/** How often progress is saved at most; ms. What is lost with a crash is found again in the commands. */
const SAVE = 1000;
/** Seconds. */
const JOB_RETRY_AFTER = 60;
/** Commands that are read at once when a job comes back. */
const PAGE = 1000;

export class JobService {
  private readonly parts: JobServiceParts;
  private readonly running = new Map<string, JobRunner>();
  private readonly listeners = new Set<(job: Job) => void>();
  private readonly unsaved: WriteBehind<JobRunner>;
  private number = 0;
  private undo: (() => void) | null = null;
  private life: 'new' | 'started' | 'stopped' = 'new';

  constructor(parts: JobServiceParts) {
    this.parts = parts;
    const { clock, logger } = parts;
    this.unsaved = new WriteBehind({
      save: (runners) => this.saveAll(runners),
      group: 1,
      delay: SAVE,
      clock,
      logger,
      failure: 'Jobs could not be saved.',
    });
  }

  /** Jobs that are not over go on; after commands have started. */
  async start(): Promise<void> {
    const { store, commands } = this.parts;
    this.life = 'started';
    this.number = await store.lastJobNumber();
    for (const row of await store.loadOpenJobs()) this.add(readJob(row));
    this.undo = commands.onStep((command) => {
      if (command.job !== null) this.running.get(command.job)?.follow(command);
    });
    for (const runner of [...this.running.values()]) {
      await this.catchUp(runner);
      runner.start();
    }
  }

  /** Saves how far jobs have come. Idempotent. */
  async stop(): Promise<void> {
    this.abandon();
    await this.unsaved.flush();
  }

  /** Stops without saving; after a failure of the store. */
  abandon(): void {
    this.life = 'stopped';
    this.undo?.();
    this.undo = null;
    this.unsaved.stop();
    for (const runner of this.running.values()) runner.stop();
  }

  /** Called when a job changes its state. Returns the function that takes the listener away. */
  onChange(listener: (job: Job) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The ids that the selection finds now, sorted. Throws `HubRefusal` `bad-request` for ids that are not known. */
  preview(select: DeviceSelection): readonly string[] {
    return selectDevices(this.parts.fleet, select);
  }

  /** Durable when it resolves. Rejects with `HubRefusal` if nothing is selected, too many are, or the request is not right. */
  async create(request: JobRequest): Promise<Job> {
    const { store, clock, newId, limits } = this.parts;
    checkRequest({ ...request, id: null }, limits);
    const targets = this.preview(request.select);
    checkTargets(targets.length, limits.jobDevices);
    this.checkNumber(request.select.customer);
    this.number += 1;
    const stored: StoredJob = {
      id: newId(),
      number: this.number,
      createdAt: clock.now(),
      endedAt: null,
      targets,
      state: {
        request,
        status: request.canary > 0 ? 'canary' : 'running',
        reason: null,
        cancelledBy: null,
        baseline: { ended: 0, failures: 0 },
      },
      counts: {},
      issued: 0,
      refusals: new Map(),
    };
    // Before it is stored, so that it counts among the customer's from now on.
    const runner = this.add(stored);
    try {
      await store.insertJob(writeJob(stored));
    } catch (error) {
      this.running.delete(stored.id);
      throw error;
    }
    runner.start();
    return runner.job;
  }

  private checkNumber(customer: string): void {
    const { jobsPerCustomer } = this.parts.limits;
    const jobs = [...this.running.values()].map(({ job }) => job);
    const open = jobs.filter(
      ({ request, endedAt }) => request.select.customer === customer && endedAt === null,
    );
    if (open.length < jobsPerCustomer) return;
    const limit = 'commands.jobsPerCustomer';
    throw new HubRefusal(
      'too-many-jobs',
      `The limit ${limit} of ${jobsPerCustomer} jobs of this customer that are not over is reached; cancel one, or wait.`,
      { limit, retryAfter: JOB_RETRY_AFTER },
    );
  }

  /** null: none that this customer (`*`: anybody) may see. */
  async find(customer: string, id: string): Promise<Job | null> {
    const row = await this.parts.store.findJob(customer, id);
    return row && this.view(readJob(row));
  }

  /** Newest first; `next` is the `before` of the next page. */
  async list(
    customer: string,
    { before, limit }: { readonly before: number | null; readonly limit: number },
  ): Promise<RowPage<Job, number>> {
    const { items, next } = await this.parts.store.listJobs({ customer, before, limit });
    return { items: items.map((row) => this.view(readJob(row))), next };
  }

  /** In the order of the targets, from index `from` on. */
  async outcomes(
    job: Job,
    { from, limit }: { readonly from: number; readonly limit: number },
  ): Promise<RowPage<JobOutcome, number>> {
    const to = Math.min(job.targets.length, from + limit);
    const indexes = Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset);
    const refusals = await this.refusalsOf(job);
    const items = await Promise.all(
      indexes.map((index) => outcomeOf(this.parts.commands, { job, index, refusals })),
    );
    return { items, next: to < job.targets.length ? to : null };
  }

  /** No further device gets it, and what waits is cancelled; what is accepted goes on. `conflict` if it is over. */
  async cancel(customer: string, id: string, by: string): Promise<Job | null> {
    const job = await this.find(customer, id);
    if (!job) return null;
    const runner = this.running.get(id);
    const isOver = job.status === 'cancelled' || job.endedAt !== null;
    if (!runner || isOver) throw conflict(`The job is ${job.status} already.`);
    runner.cancel(by);
    // A restart from here on takes back what is not taken back yet.
    await this.unsaved.flush();
    await runner.cancelWaiting();
    await this.unsaved.flush();
    return runner.job;
  }

  /** Goes on after a halt, which then needs the share to be passed anew. `conflict` if it is not halted. */
  async resume(customer: string, id: string, by: string): Promise<Job | null> {
    const job = await this.find(customer, id);
    if (!job) return null;
    const runner = this.running.get(id);
    if (!runner || job.status !== 'halted') throw conflict(`The job is ${job.status}, not halted.`);
    runner.resume();
    this.parts.logger.info({ job: id, by }, 'A halted job was resumed.');
    await this.unsaved.flush();
    return runner.job;
  }

  private add(stored: StoredJob): JobRunner {
    const runner = new JobRunner(stored, {
      ...this.parts,
      changed: (changed, what) => this.changed(changed, what),
    });
    this.running.set(stored.id, runner);
    return runner;
  }

  /** What its commands came to while nobody looked. */
  private async catchUp(runner: JobRunner): Promise<void> {
    const { customer } = runner.job.request.select;
    let before: number | null = null;
    do {
      const query = { customer, device: null, job: runner.id, before, limit: PAGE };
      const page = await this.parts.commands.list(query);
      for (const command of page.items) runner.follow(command);
      before = page.next;
    } while (before !== null);
  }

  private changed(runner: JobRunner, what: 'progress' | 'state'): void {
    this.unsaved.add(runner);
    if (what === 'state') for (const listener of this.listeners) listener(runner.job);
    // What is under way at the stop is found again in the commands.
    if (this.life !== 'started') return;
    if (what === 'state') this.unsaved.flushNow();
    else this.unsaved.addSoon(runner);
  }

  private async saveAll(runners: readonly JobRunner[]): Promise<void> {
    for (const { id, record } of runners) {
      await this.parts.store.updateJob(writeJob(record));
      if (record.endedAt !== null) this.running.delete(id);
    }
  }

  private view(stored: StoredJob): Job {
    return this.running.get(stored.id)?.job ?? jobOf(stored);
  }

  private async refusalsOf({ id, request }: Job): Promise<ReadonlyMap<number, string>> {
    const runner = this.running.get(id);
    if (runner) return runner.record.refusals;
    const row = await this.parts.store.findJob(request.select.customer, id);
    return row ? readJob(row).refusals : new Map();
  }
}

function conflict(detail: string): HubRefusal {
  return new HubRefusal('conflict', detail);
}

/** Ids, sorted. Throws HubRefusal for ids that are asked for by name and not known. */
function selectDevices(fleet: SelectableFleet, select: DeviceSelection): readonly string[] {
  const { customer, devices } = select;
  const candidates = devices === null ? fleet.devices(customer) : named(fleet, customer, devices);
  const found = [...candidates].filter((device) => fits(device, select)).map(({ id }) => id);
  return [...new Set(found)].sort();
}

/** Throws HubRefusal if there is nobody to send to, or more than `limit`. */
function checkTargets(count: number, limit: number): void {
  if (count === 0) throw new HubRefusal('bad-request', 'The selection finds no device; try it with dryRun.');
  if (count <= limit) return;
  throw new HubRefusal(
    'bad-request',
    `The selection finds ${count} devices; at most ${limit} are allowed (commands.jobDevices).`,
    'commands.jobDevices',
  );
}

function named(fleet: SelectableFleet, customer: string, ids: readonly string[]): Device[] {
  const unknown = ids.filter((id) => !fleet.find(customer, id));
  if (unknown.length === 0) return ids.flatMap((id) => fleet.find(customer, id) ?? []);
  const some = unknown.slice(0, 5).join(', ');
  const rest = unknown.length > 5 ? ` and ${unknown.length - 5} more` : '';
  throw new HubRefusal('bad-request', `select.devices names devices that are not known: ${some}${rest}.`);
}

function fits(device: Device, { q, model, online }: DeviceSelection): boolean {
  if (online !== null && device.online !== online) return false;
  if (model !== null && device.description.model !== model) return false;
  return q === null || device.mentions(q.toLowerCase());
}
