/** Commands, jobs, desired state and audit in maps, for tests: what `command-ports.ts` promises but for the disk. */
import type {
  AuditOutcome,
  AuditQuery,
  AuditRow,
  AuditStore,
  CommandQuery,
  CommandRow,
  CommandStore,
  DesiredRow,
  DesiredStore,
  JobQuery,
  JobRow,
  JobStore,
  NumberedAuditRow,
} from '../command-ports.ts';
import { StoreError } from '../ports.ts';

export abstract class MemoryRecords implements CommandStore, JobStore, DesiredStore, AuditStore {
  private readonly commands = new Map<string, CommandRow>();
  private readonly jobs = new Map<string, JobRow>();
  private readonly desired = new Map<string, DesiredRow>();
  private audit: NumberedAuditRow[] = [];
  private auditNumber = 0;

  /** Throws when the database is not open. */
  protected abstract requireOpen(): void;

  async *loadOpenCommands(): AsyncGenerator<readonly CommandRow[]> {
    this.requireOpen();
    const open = [...this.commands.values()].filter(({ endedAt }) => endedAt === null);
    if (open.length > 0) yield open.sort((a, b) => a.number - b.number);
  }

  async lastCommandNumber(): Promise<number> {
    this.requireOpen();
    return highest(this.commands.values());
  }

  async findCommands(customer: string, id: string): Promise<readonly CommandRow[]> {
    this.requireOpen();
    return [...this.commands.values()].filter((row) => row.id === id && isOf(row, customer));
  }

  async listCommands({ customer, device, job, before, limit }: CommandQuery): Promise<readonly CommandRow[]> {
    this.requireOpen();
    const fits = (row: CommandRow) =>
      isOf(row, customer) && (device === null || row.device === device) && (job === null || row.job === job);
    return newest(this.commands.values(), before, limit, fits);
  }

  async saveCommands(rows: readonly CommandRow[]): Promise<void> {
    this.requireOpen();
    for (const row of rows) {
      const known = this.commands.get(`${row.customer}/${row.id}`);
      const { status, endedAt, position, body } = row;
      this.commands.set(`${row.customer}/${row.id}`, { ...(known ?? row), status, endedAt, position, body });
    }
  }

  async deleteEndedCommands(time: number, limit: number): Promise<number> {
    this.requireOpen();
    return deleteEnded(this.commands, time, limit);
  }

  async loadOpenJobs(): Promise<readonly JobRow[]> {
    this.requireOpen();
    return [...this.jobs.values()].filter(({ endedAt }) => endedAt === null);
  }

  async lastJobNumber(): Promise<number> {
    this.requireOpen();
    return highest(this.jobs.values());
  }

  async findJob(customer: string, id: string): Promise<JobRow | null> {
    this.requireOpen();
    const row = this.jobs.get(id);
    return row && isOf(row, customer) ? row : null;
  }

  async listJobs({ customer, before, limit }: JobQuery): Promise<readonly JobRow[]> {
    this.requireOpen();
    return newest(this.jobs.values(), before, limit, (row) => isOf(row, customer));
  }

  async insertJob(row: JobRow): Promise<void> {
    this.requireOpen();
    if (this.jobs.has(row.id)) throw new StoreError('exists', `There is a job ${row.id} already.`);
    this.jobs.set(row.id, row);
  }

  async updateJob({ id, endedAt, body }: Pick<JobRow, 'id' | 'endedAt' | 'body'>): Promise<void> {
    this.requireOpen();
    const row = this.jobs.get(id);
    if (row) this.jobs.set(id, { ...row, endedAt, body });
  }

  async deleteEndedJobs(time: number, limit: number): Promise<number> {
    this.requireOpen();
    return deleteEnded(this.jobs, time, limit);
  }

  async *loadDesired(): AsyncGenerator<readonly DesiredRow[]> {
    this.requireOpen();
    if (this.desired.size > 0) yield [...this.desired.values()];
  }

  async saveDesired(rows: readonly DesiredRow[]): Promise<void> {
    this.requireOpen();
    for (const row of rows) {
      const name = `${row.customer}/${row.device}`;
      if (row.body === null) this.desired.delete(name);
      else this.desired.set(name, row);
    }
  }

  async saveAudit(rows: readonly AuditRow[], outcomes: readonly AuditOutcome[]): Promise<void> {
    this.requireOpen();
    for (const row of rows) {
      this.auditNumber += 1;
      this.audit.push({ ...row, number: this.auditNumber });
    }
    for (const { reference, outcome, at } of outcomes) {
      this.audit = this.audit.map((row) =>
        row.reference === reference && row.outcome === null ? { ...row, outcome, outcomeAt: at } : row,
      );
    }
  }

  async listAudit(query: AuditQuery): Promise<readonly NumberedAuditRow[]> {
    this.requireOpen();
    return newest(this.audit, query.before, query.limit, (row) => fitsAudit(row, query));
  }

  async deleteAudit(time: number, limit: number): Promise<number> {
    this.requireOpen();
    const gone = new Set(this.audit.filter(({ at }) => at < time).slice(0, limit));
    this.audit = this.audit.filter((row) => !gone.has(row));
    return gone.size;
  }
}

function isOf(row: { readonly customer: string }, customer: string): boolean {
  return customer === '*' || row.customer === customer;
}

function highest(rows: Iterable<{ readonly number: number }>): number {
  return Math.max(0, ...[...rows].map(({ number }) => number));
}

function newest<Row extends { readonly number: number }>(
  rows: Iterable<Row>,
  before: number | null,
  limit: number,
  fits: (row: Row) => boolean,
): readonly Row[] {
  return [...rows]
    .filter((row) => (before === null || row.number < before) && fits(row))
    .sort((a, b) => b.number - a.number)
    .slice(0, limit);
}

function deleteEnded<Row extends { readonly endedAt: number | null }>(
  rows: Map<string, Row>,
  time: number,
  limit: number,
): number {
  const ended = [...rows].filter(([, { endedAt }]) => endedAt !== null && endedAt < time).slice(0, limit);
  for (const [name] of ended) rows.delete(name);
  return ended.length;
}

function fitsAudit(row: NumberedAuditRow, { customer, by, action, target, from, to }: AuditQuery): boolean {
  const isAction =
    action === null || row.action === action || (action.endsWith('.') && row.action.startsWith(action));
  const isInTime = (from === null || row.at >= from) && (to === null || row.at < to);
  const isWhole = (by === null || row.by === by) && (target === null || row.target === target);
  return isOf(row, customer) && isAction && isInTime && isWhole;
}
