/** Stand-ins for jobs and desired state: in memory, nothing runs and nothing is sent. */
import type { Clock } from '../../broker/base/clock.ts';
import type {
  DesiredChange,
  DesiredDesk,
  DesiredDocument,
  DeviceDocuments,
  Difference,
} from '../../broker/hub/desired/document.ts';
import type { Device } from '../../broker/hub/fleet/device.ts';
import type { Fleet } from '../../broker/hub/fleet/fleet.ts';
import type { DeviceSelection, Job, JobDesk, JobOutcome, JobRequest } from '../../broker/hub/jobs/job.ts';
import { HubRefusal } from '../../broker/hub/refusal.ts';
import type { ValueMap } from '../../broker/wire/frames.ts';
import { newestFirst } from './fake-desks.ts';

type Page<Item> = Promise<{ readonly items: readonly Item[]; readonly next: number | null }>;

export class FakeJobs implements JobDesk {
  readonly all: Job[] = [];
  readonly selections: DeviceSelection[] = [];
  private readonly fleet: Fleet;
  private readonly clock: Clock;

  constructor(fleet: Fleet, clock: Clock) {
    this.fleet = fleet;
    this.clock = clock;
  }

  preview(select: DeviceSelection): readonly string[] {
    this.selections.push(select);
    const ids = [...this.fleet.devices(select.customer)].map(({ id }) => id).sort();
    return ids.filter((id) => id.includes(select.q ?? ''));
  }

  async create(request: JobRequest): Promise<Job> {
    const targets = this.preview(request.select);
    if (targets.length === 0) throw new HubRefusal('bad-request', 'The selection finds no device.');
    const number = this.all.length + 1;
    const job: Job = {
      id: `j${number}`,
      number,
      request,
      status: request.canary > 0 ? 'canary' : 'running',
      reason: null,
      createdAt: this.clock.now(),
      endedAt: null,
      targets,
      issued: 1,
      counts: { queued: 1 },
    };
    this.all.push(job);
    return job;
  }

  async find(customer: string, id: string): Promise<Job | null> {
    const job = this.all.find((one) => one.id === id);
    return job && (customer === '*' || customer === job.request.select.customer) ? job : null;
  }

  async list(customer: string, page: { before: number | null; limit: number }): Page<Job> {
    const of = ({ request }: Job) => customer === '*' || request.select.customer === customer;
    return newestFirst(this.all.filter(of), page);
  }

  async outcomes(job: Job, { from, limit }: { from: number; limit: number }): Page<JobOutcome> {
    const items = job.targets.slice(from, from + limit).map((device) => {
      return { device, status: 'waiting', reason: null, command: null } as const;
    });
    return { items, next: from + limit < job.targets.length ? from + limit : null };
  }

  async cancel(customer: string, id: string, _by: string): Promise<Job | null> {
    return this.change(customer, id, { status: 'cancelled', endedAt: this.clock.now() });
  }

  async resume(customer: string, id: string, _by: string): Promise<Job | null> {
    const job = await this.find(customer, id);
    if (job && job.status !== 'halted') throw new HubRefusal('conflict', `The job is ${job.status}.`);
    return this.change(customer, id, { status: 'running', reason: null });
  }

  async change(customer: string, id: string, changes: Partial<Job>): Promise<Job | null> {
    const job = await this.find(customer, id);
    if (!job) return null;
    if (job.endedAt !== null) throw new HubRefusal('conflict', `The job is ${job.status}.`);
    const next = { ...job, ...changes };
    this.all[job.number - 1] = next;
    return next;
  }
}

export class FakeDesired implements DesiredDesk {
  private readonly documentsOf = new Map<Device, DeviceDocuments>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  documents(device: Device): DeviceDocuments {
    return this.documentsOf.get(device) ?? { desired: null, reported: null };
  }

  obstacle(): string | null {
    return null;
  }

  /** Of plain values. */
  difference({ desired, reported }: DeviceDocuments): Readonly<Record<string, Difference>> {
    const names = Object.keys(desired?.values ?? {}).filter(
      (name) => desired?.values[name] !== reported?.values[name],
    );
    const side = (values: ValueMap | undefined, name: string) => values?.[name];
    return Object.fromEntries(
      names.map((name) => {
        const is = side(reported?.values, name);
        const should = side(desired?.values, name);
        return [
          name,
          { ...(should !== undefined && { desired: should }), ...(is !== undefined && { reported: is }) },
        ];
      }),
    );
  }

  report(device: Device, version: number, values: ValueMap): void {
    const { desired } = this.documents(device);
    this.documentsOf.set(device, { desired, reported: { version, values, at: this.clock.now() } });
  }

  async put(device: Device, values: ValueMap, { expected, by }: DesiredChange): Promise<DesiredDocument> {
    const { desired, reported } = this.documents(device);
    const version = desired?.version ?? 0;
    if (expected !== null && expected !== version) {
      throw new HubRefusal('precondition-failed', `The version is ${version}; read it and try again.`);
    }
    const next = { version: version + 1, values, at: this.clock.now(), by };
    this.documentsOf.set(device, { desired: next, reported });
    return next;
  }

  /** One level deep. */
  async patch(device: Device, patch: ValueMap, change: DesiredChange): Promise<DesiredDocument> {
    const merged = Object.entries({ ...this.documents(device).desired?.values, ...patch });
    return this.put(device, Object.fromEntries(merged.filter(([, value]) => value !== null)), change);
  }
}
